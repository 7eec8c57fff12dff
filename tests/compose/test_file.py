"""compose.yaml is one that Compose takes, and draws the cluster that it should."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.compose.properties import properties, setting
from tests.compose.stack import BROKERS, COMPOSE, FILE, dotenv, environment, service, stack, tool
from tests.kafka.jars import version

SERVICES: Mapping[str, Any] = stack()["services"]
PINNED = re.compile(r"[a-z0-9./-]+:v?\d+\.\d+\.\d+[a-z0-9.-]*")
OURS = "pyconnect:local"
NODES = list(enumerate(BROKERS))


def conforms(file: Path) -> subprocess.CompletedProcess[str]:
    words = [tool("check-jsonschema"), "--builtin-schema", "vendor.compose-spec", str(file)]
    return subprocess.run(words, capture_output=True, text=True, check=False)


def test_it_conforms_to_the_schema_of_compose() -> None:
    done = conforms(FILE)
    assert done.returncode == 0, done.stdout


def test_a_word_that_compose_does_not_know_is_no_part_of_its_schema(tmp_path: Path) -> None:
    broken = tmp_path / "compose.yaml"
    broken.write_text(FILE.read_text().replace("container_name:", "container_nam:", 1))
    assert conforms(broken).returncode == 1


def test_every_image_has_its_version() -> None:
    images = {each["image"] for each in SERVICES.values()}
    assert OURS in images
    for image in images - {OURS}:
        assert PINNED.fullmatch(image), f"{image}: has no version of three numbers"
    kafka = {SERVICES[name]["image"] for name in (*BROKERS, "Topics")}
    assert kafka == {f"apache/kafka:{version()}"}, "not the Kafka that the tests run"


def test_our_image_is_built_once_from_the_checkout_and_never_fetched() -> None:
    (build,) = [each["build"] for each in SERVICES.values() if "build" in each]
    assert (COMPOSE / build["context"] / build["dockerfile"]).resolve() == COMPOSE / "Dockerfile"
    assert service("worker")["build"] == build
    for each in (each for each in SERVICES.values() if each["image"] == OURS):
        assert each["pull_policy"] == ("build" if "build" in each else "never")


@pytest.mark.parametrize(("node", "broker"), NODES)
def test_each_broker_is_told_exactly_this(node: int, broker: str) -> None:
    """The seed's cluster, with what its image and its version call things by."""
    assert properties(environment(broker)) == {
        "node.id": str(node),
        "process.roles": "controller,broker",
        "controller.quorum.voters": "0@Broker00:9093,1@Broker01:9093,2@Broker02:9093",
        "controller.listener.names": "CONTROLLER",
        "listeners": "PLAINTEXT://:9092,CONTROLLER://:9093,EXTERNAL://:9094",
        "advertised.listeners": f"PLAINTEXT://{broker}:9092,EXTERNAL://127.0.0.1:{10_000 + node}",
        "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,EXTERNAL:PLAINTEXT,"
        "PLAINTEXT:PLAINTEXT",
        "inter.broker.listener.name": "PLAINTEXT",
        "log.dirs": "/var/lib/kafka/data",
        "auto.create.topics.enable": "true",
        "num.partitions": "3",
        "default.replication.factor": "3",
        "min.insync.replicas": "2",
        "offsets.topic.replication.factor": "3",
        "transaction.state.log.replication.factor": "3",
        "transaction.state.log.min.isr": "2",
    }


@pytest.mark.parametrize(("node", "broker"), NODES)
def test_each_broker_has_its_port_its_volume_and_its_name(node: int, broker: str) -> None:
    found = service(broker)
    assert found["container_name"] == f"BrokerContainer0{node}"
    assert found["ports"] == [f"127.0.0.1:{10_000 + node}:9094"]
    assert found["volumes"] == [f"DataVolume0{node}:/var/lib/kafka/data"]
    assert found["restart"] == "unless-stopped"
    assert environment(broker)["CLUSTER_ID"] == dotenv()["CLUSTER_ID"]


def test_the_data_of_a_broker_is_in_its_volume() -> None:
    for broker in BROKERS:
        target = service(broker)["volumes"][0].partition(":")[2]
        assert properties(environment(broker))["log.dirs"] == target


@pytest.mark.parametrize(
    ("variable", "name"),
    [
        ("KAFKA_NODE_ID", "node.id"),
        ("KAFKA_A__B", "a_b"),
        ("KAFKA_A___B", "a-b"),
        ("KAFKA_SASL_KERBEROS_KINIT_CMD", "sasl.kerberos.kinit.cmd"),
    ],
)
def test_variables_become_settings_by_the_images_rule(variable: str, name: str) -> None:
    assert setting(variable) == name


def test_volumes_and_networks_are_all_declared_and_all_used() -> None:
    whole = stack()
    named = {
        mount.partition(":")[0]
        for each in SERVICES.values()
        for mount in each.get("volumes", ())
        if mount[0] not in "./"
    }
    assert named == set(whole["volumes"]) >= {f"DataVolume0{node}" for node in range(3)}
    assert {name for each in SERVICES.values() for name in each["networks"]} == {"data_network"}
    assert set(whole["networks"]) == {"data_network"}


def test_every_file_that_is_mounted_is_there() -> None:
    mounts = [m for each in SERVICES.values() for m in each.get("volumes", ()) if m[0] == "."]
    assert len(mounts) > 3
    for mount in mounts:
        source, _, mode = mount.split(":")
        assert (COMPOSE / source).exists(), mount
        assert mode == "ro", f"{mount}: a container may not write into the checkout"


def test_nothing_that_is_published_can_be_reached_from_another_machine() -> None:
    """No service has a password: only what this machine asks is answered."""
    ports = [port for each in SERVICES.values() for port in each.get("ports", ())]
    assert len(ports) == len({port.split(":")[1] for port in ports}) >= 6
    for port in ports:
        assert re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port)


def test_kafka_ui_is_told_of_the_cluster_and_of_our_registry() -> None:
    assert service("WebUI")["ports"] == ["127.0.0.1:8080:8080"]
    assert environment("WebUI") == {
        "KAFKA_CLUSTERS_0_NAME": "MyLocalKafkaCluster",
        "KAFKA_CLUSTERS_0_BOOTSTRAPSERVERS": "Broker00:9092,Broker01:9092,Broker02:9092",
        "KAFKA_CLUSTERS_0_SCHEMAREGISTRY": "http://registry:8081",
        "KAFKA_CLUSTERS_0_AUDIT_TOPICAUDITENABLED": "true",
        "KAFKA_CLUSTERS_0_AUDIT_CONSOLEAUDITENABLED": "true",
        "DYNAMIC_CONFIG_ENABLED": "true",
    }


def test_every_address_that_a_service_is_given_is_another_services_listener() -> None:
    text = json.dumps([each.get("environment") for each in SERVICES.values()])
    text += (COMPOSE / "logstash" / "pipeline.conf").read_text()
    listening = {f"{broker}:{port}" for broker in BROKERS for port in (9092, 9093)}
    listening |= {"registry:8081", "Elasticsearch:9200"}
    found = set(re.findall(r"\b([A-Za-z]\w*:\d{4})\b", text))
    assert found == listening


def test_pyconnect_and_kafka_ui_get_the_same_three_brokers() -> None:
    for name in ("worker", "registry"):
        asked = environment(name)["PYCONNECT_KAFKA"].split(",")
        assert asked == [f"{broker}:9092" for broker in BROKERS]


def test_nothing_starts_before_what_it_needs() -> None:
    healthy = {broker: {"condition": "service_healthy"} for broker in BROKERS}
    assert SERVICES["WebUI"]["depends_on"] == SERVICES["Topics"]["depends_on"] == healthy
    for name in ("worker", "registry", "Logstash"):
        made = SERVICES[name]["depends_on"]["Topics"]
        assert made == {"condition": "service_completed_successfully"}
    for name in (*BROKERS, "registry", "Elasticsearch"):
        assert SERVICES[name]["healthcheck"]["test"][0] == "CMD"


def test_elastic_starts_only_when_asked_for() -> None:
    optional = {name for name, each in SERVICES.items() if "profiles" in each}
    assert optional == {"Elasticsearch", "Logstash"}


def test_without_an_id_nothing_starts_and_the_cure_is_said() -> None:
    with pytest.raises(AssertionError, match=r"CLUSTER_ID .*cluster_id\.py"):
        stack(variables={})


def test_numbers_and_truths_are_text() -> None:
    """YAML's `no` and `0123` are other things than what they look like."""
    for name, each in yaml.safe_load(FILE.read_text())["services"].items():
        for key, value in each.get("environment", {}).items():
            assert isinstance(value, str), f"{name}: {key}: {value!r} is not in quotes"
