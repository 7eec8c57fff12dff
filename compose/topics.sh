#!/usr/bin/env bash
# Makes the topics named in TOPICS, each with three partitions and three replicas; one that is there
# stays as it is. Tries for about two minutes: a broker may listen before it is registered.
set -u

tool=${TOPICS_TOOL:-/opt/kafka/bin/kafka-topics.sh}

for topic in $TOPICS; do
  made=no
  for _ in {1..30}; do
    if "$tool" --bootstrap-server "$BOOTSTRAP" --create --if-not-exists --topic "$topic" \
      --partitions 3 --replication-factor 3 --config min.insync.replicas=2; then
      made=yes
      break
    fi
    sleep 2
  done
  if [ "$made" = no ]; then
    echo "$topic: could not be made. Look at what is above, and at: docker compose ps" >&2
    exit 1
  fi
done
