"""What an error of Kafka's client means, and what is said of it.

The classes are those that were seen on real brokers: a call may be still under way, its
transaction may be dead, or its producer. Sources: KIP-98, KIP-360, KIP-447, and librdkafka's
INTRODUCTION.md, "Transactional error handling".
"""

from __future__ import annotations

from typing import Any

from confluent_kafka import KafkaError, KafkaException

from connectors_core.api.errors import (
    ConfigError,
    DataError,
    PyconnectError,
    StoreError,
    StoreUnreachable,
)

FENCED = frozenset(
    {
        KafkaError._FENCED,  # noqa: SLF001 - public in all but name
        KafkaError.INVALID_PRODUCER_EPOCH,
        KafkaError.PRODUCER_FENCED,
    }
)
"""A newer producer has the id, or the transaction took too long: the error does not tell which."""

_FORBIDDEN = {
    KafkaError.TOPIC_AUTHORIZATION_FAILED: "write and describe the topic",
    KafkaError.CLUSTER_AUTHORIZATION_FAILED: "IdempotentWrite on the cluster",
    KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED: "write and describe the transactional id",
    KafkaError.GROUP_AUTHORIZATION_FAILED: "read the group pyconnect-reader",
    KafkaError.SASL_AUTHENTICATION_FAILED: "log in",
    KafkaError._AUTHENTICATION: "log in",  # noqa: SLF001 - public in all but name
}
_REFUSED = {
    KafkaError.MSG_SIZE_TOO_LARGE: "it, or a batch of records, is larger than the topic's"
    " max.message.bytes, or than the client's own message.max.bytes if that was set",
    KafkaError.INVALID_RECORD: "the broker says it is invalid (a compacted topic needs keys)",
    KafkaError.POLICY_VIOLATION: "a policy of the cluster refuses it",
    KafkaError.INVALID_TIMESTAMP: "its timestamp is too far from the broker's clock",
}
_AWAY = {
    KafkaError._TRANSPORT,  # noqa: SLF001
    KafkaError._RESOLVE,  # noqa: SLF001
    KafkaError._ALL_BROKERS_DOWN,  # noqa: SLF001
    KafkaError._TIMED_OUT,  # noqa: SLF001
    KafkaError._TIMED_OUT_QUEUE,  # noqa: SLF001
    KafkaError._MSG_TIMED_OUT,  # noqa: SLF001
    KafkaError._WAIT_COORD,  # noqa: SLF001
    KafkaError._INCONSISTENT,  # noqa: SLF001 - "n messages failed delivery": they timed out
    KafkaError._PURGE_QUEUE,  # noqa: SLF001
    KafkaError._PURGE_INFLIGHT,  # noqa: SLF001
    KafkaError.BROKER_NOT_AVAILABLE,
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.KAFKA_STORAGE_ERROR,
    KafkaError.LEADER_NOT_AVAILABLE,
    KafkaError.NETWORK_EXCEPTION,
    KafkaError.NOT_COORDINATOR,
    KafkaError.NOT_ENOUGH_REPLICAS,
    KafkaError.NOT_ENOUGH_REPLICAS_AFTER_APPEND,
    KafkaError.NOT_LEADER_FOR_PARTITION,
    KafkaError.REQUEST_TIMED_OUT,
    KafkaError.INVALID_TXN_STATE,  # the broker has aborted it: it took too long
}
"""No broker answered in time, or the one that did has no quorum; a new producer goes on."""


SILENT = frozenset(
    {
        KafkaError._TRANSPORT,  # noqa: SLF001 - public in all but name
        KafkaError._ALL_BROKERS_DOWN,  # noqa: SLF001
        KafkaError._TIMED_OUT,  # noqa: SLF001
        KafkaError._RESOLVE,  # noqa: SLF001
    }
)
"""Nobody answered."""


def kafka_error(error: BaseException) -> Any:
    """Return the KafkaError that an exception of the client carries, or None."""
    found = error.args[0] if isinstance(error, KafkaException) and error.args else None
    return found if isinstance(found, KafkaError) else None


def passes(error: Any) -> bool:
    """Say whether a reader that is told this need only read on: a broker is not there just now."""
    return error.retriable() or error.code() in SILENT


def still_under_way(error: BaseException) -> bool:
    """Say whether the same call may be made again to go on with it."""
    found = kafka_error(error)
    return (
        found is not None
        and found.retriable()
        and not found.fatal()
        and not found.txn_requires_abort()
    )


def is_fenced(error: BaseException) -> bool:
    """Say whether the producer's epoch is over."""
    found = kafka_error(error)
    return found is not None and found.code() in FENCED


def translated(error: BaseException, doing: str, place: str) -> PyconnectError:
    """Return our error for one of the client's. `doing` is what failed, in words."""
    if isinstance(error, PyconnectError):
        return error
    found = kafka_error(error)
    if found is None:
        return StoreError(f"{doing}: {error}.", code="kafka.client", place=place)
    code = found.code()
    if code in _FORBIDDEN:
        return ConfigError(
            f"{doing}: the cluster does not allow it ({found.str()}). Let this user"
            f" {_FORBIDDEN[code]}, or check its credentials.",
            code="kafka.authorization",
            place=place,
        )
    if code in FENCED:
        return StoreUnreachable(
            f"{doing}: the epoch of its producer is over: somebody started the connector too, or a"
            " transaction took too long. It goes on with a new one as long as the claim is its own.",
            code="kafka.epoch",
            place=place,
        )
    text = f"{doing}: {found.str()} ({found.name()})."
    if code in _AWAY:
        cure = "Check the brokers; it is tried again until they answer."
        return StoreUnreachable(f"{text} {cure}", code="kafka.error", place=place)
    return StoreError(text, code="kafka.error", place=place)


def refused(error: Any, topic: str) -> PyconnectError | None:
    """Return the error of a record that a broker did not take, None if it was not the record."""
    reason = _REFUSED.get(error.code())
    if reason is not None:
        return DataError(
            f"a record for the topic {topic} was refused: {reason}. Change the record at its"
            " source, or the topic's settings.",
            code="data.refused",
        )
    if error.code() in _FORBIDDEN:
        return translated(KafkaException(error), f"writing to the topic {topic}", topic)
    return None
