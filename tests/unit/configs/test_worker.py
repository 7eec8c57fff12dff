"""The worker's settings: where they come from, which goes before which, what is refused."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from connectors_core.api.errors import ConfigError
from connectors_core.app.client import refusal
from connectors_core.configs.properties import OWNED, PROPERTIES, WORDS, is_secret
from connectors_core.configs.worker.client import Said
from connectors_core.configs.worker.find import data_dir, place
from connectors_core.configs.worker.place import Asked, KafkaPlace, LogPlace
from tests.unit.configs.client_properties import properties

SECRET = "hunter2-canary"
Write = Callable[..., Path]


@pytest.fixture
def worker(tmp_path: Path) -> Write:
    """Write a worker's file and return its path."""

    def write(text: str) -> Path:
        path = tmp_path / "worker.yaml"
        path.write_text(textwrap.dedent(text))
        return path

    return write


def asked(kafka: str | None = None, worker: Path | None = None, **environ: str) -> LogPlace:
    return place(Asked(kafka=kafka, worker=worker), environ, refusal)


def cluster(kafka: str | None = None, worker: Path | None = None, **environ: str) -> KafkaPlace:
    found = asked(kafka, worker, **environ).kafka
    assert found is not None
    return found


def problems(kafka: str | None = None, worker: Path | None = None, **environ: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        asked(kafka, worker, **environ)
    folder = f"{worker.parent}/" if worker else "nowhere"
    assert SECRET not in repr(caught.value) + str(caught.value)
    return [str(each).replace(folder, "") for each in caught.value.problems]


def test_with_nothing_said_the_log_is_in_the_data_directory() -> None:
    assert asked() == LogPlace(Path("pyconnect-data"))


def test_a_cluster_is_said_in_three_ways(worker: Write) -> None:
    file = worker("kafka: {bootstrap.servers: 'a:1,b:2'}\n")
    for found, said_by in (
        (cluster("a:1, b:2"), "--kafka"),
        (cluster(PYCONNECT_KAFKA="a:1,b:2"), "PYCONNECT_KAFKA"),
        (cluster(PYCONNECT_KAFKA_BOOTSTRAP_SERVERS="a:1,b:2"), "PYCONNECT_KAFKA_BOOTSTRAP_SERVERS"),
        (cluster(worker=file), f"{file}:1"),
        (cluster(PYCONNECT_WORKER=str(file)), f"{file}:1"),
    ):
        assert found.address == "a:1,b:2" and found.said_by == said_by


def test_the_command_line_goes_before_the_environment_and_that_before_the_file(
    worker: Write,
) -> None:
    file = worker("""
        kafka:
          bootstrap.servers: file:1
          client.id: file
          linger.ms: 1
        data.dir: file
        """)
    environ = {"PYCONNECT_KAFKA": "environment:1", "PYCONNECT_KAFKA_CLIENT_ID": "environment"}
    assert cluster("option:1", file, **environ).client == {
        "bootstrap.servers": "option:1",
        "client.id": "environment",
        "linger.ms": "1",
    }
    assert cluster(None, file, **environ).address == "environment:1"
    assert cluster(None, file).address == "file:1"
    dirs = {"PYCONNECT_DATA_DIR": "environment"}
    assert place(Asked(Path("option"), worker=file), dirs).data_dir == Path("option")
    assert place(Asked(worker=file), dirs).data_dir == Path("environment")
    assert place(Asked(worker=file), {}).data_dir == Path("file")
    other = {"PYCONNECT_WORKER": "/nowhere.yaml"}
    assert place(Asked(worker=file), other).data_dir == Path("file")


def test_a_name_of_one_place_goes_before_the_other_name_of_another(worker: Write) -> None:
    file = worker("kafka: {bootstrap.servers: 'a:1', queue.buffering.max.ms: 9}\n")
    assert cluster(None, file, PYCONNECT_KAFKA_LINGER_MS="7").client["linger.ms"] == "7"
    assert "queue.buffering.max.ms" not in cluster(None, file).client


def test_nested_and_dotted_mean_the_same_and_values_are_text(worker: Write) -> None:
    flat = cluster(
        worker=worker("""
        kafka.bootstrap.servers: "a:1"
        kafka.socket.keepalive.enable: true
        kafka.linger.ms: 0.50
        offsets.storage.topic: o
        """)
    )
    deep = cluster(
        worker=worker("""
        kafka: {bootstrap: {servers: "a:1"}, socket: {keepalive: {enable: true}}, linger: {ms: 0.50}}
        offsets: {storage: {topic: o}}
        """)
    )
    wanted = {"bootstrap.servers": "a:1", "socket.keepalive.enable": "true", "linger.ms": "0.50"}
    assert flat.client == deep.client == wanted
    assert flat.offsets_topic == deep.offsets_topic == "o"


def test_the_other_settings_have_connects_names_and_our_defaults(worker: Write) -> None:
    made = cluster(
        "a:1",
        worker("""
        offsets.storage.topic: o
        claims.storage.topic: c
        schemas.storage.topic: s
        transaction.timeout.ms: 30s
        """),
    )
    assert (made.offsets_topic, made.claims_topic, made.schemas_topic) == ("o", "c", "s")
    assert made.transaction_timeout_ms == 30_000
    made = cluster("a:1")
    assert made.offsets_topic == "pyconnect-offsets" and made.transaction_timeout_ms == 60_000
    assert (made.claims_topic, made.schemas_topic) == ("pyconnect-claims", "pyconnect-schemas")


def test_every_property_of_the_client_passes_but_pyconnects_own(tmp_path: Path) -> None:
    """Through the environment, which has another spelling of every name."""
    for each in properties(tmp_path / "properties.md"):
        name, value = each.name, WORDS.get(each.name, (each.sample(),))[0]
        if name in ("bootstrap.servers", "metadata.broker.list"):
            value = "a:1"
        variable = f"PYCONNECT_KAFKA_{name.replace('.', '_').upper()}"
        environ = {variable: value, "PYCONNECT_KAFKA_SECURITY_PROTOCOL": "SASL_SSL"}
        own = name in OWNED or each.code or name == "transaction.timeout.ms"
        if own:
            (said,) = problems("a:1", None, **environ)
            assert said.startswith(f"{variable}: ")
        elif name not in (*WORDS, "ssl.ca.certificate.stores"):  # the last is for Windows
            assert value in cluster("a:1", None, **environ).client.values(), name


@pytest.mark.parametrize(
    "name",
    [
        "acks",
        "enable.auto.commit",
        "enable.auto.offset.store",
        "enable.gapless.guarantee",
        "enable.idempotence",
        "group.id",
        "isolation.level",
        "max.in.flight.requests.per.connection",
        "message.send.max.retries",
        "partitioner",
        "queuing.strategy",
        "request.required.acks",
        "retries",
        "test.mock.num.brokers",
        "transactional.id",
    ],
)
def test_what_carries_a_guarantee_can_t_be_set_anywhere(name: str, worker: Write) -> None:
    file = worker(f"kafka: {{bootstrap.servers: 'a:1', {name}: 1}}\n")
    (said,) = problems(None, file)
    assert said.startswith(f"worker.yaml:1: kafka.{name}: can't be set: ")


def test_a_property_that_only_a_newer_client_has_passes() -> None:
    def newer(name: str, _value: str) -> str | None:
        return None if name == "brand.new" else ""

    made = place(Asked(kafka="a:1"), {"PYCONNECT_KAFKA_BRAND_NEW": "1"}, newer)
    assert made.kafka is not None and made.kafka.client["brand.new"] == "1"


def test_all_mistakes_are_told_at_once_in_the_order_of_their_lines(worker: Write) -> None:
    file = worker(f"""\
        kafka:
          bootstrap.servers: kafka-1
          security.protocol: tls
          sasl.mechanisms: PLAIN
          sasl.mechanism: PLAIN
          sasl.pasword: {SECRET}
          sasl.password: [{SECRET}]
          acks: 1
          message.max.bytes: 10
          error_cb: x
          ssl.truststore.location: /x
          transaction.timeout.ms: 5
          client.rack: ${{env:NOPE}}
          debug:
        offset.storage.topic: x
        transaction.timeout.ms: 5
        bootstrap.servers: x
        tasks.max: 3
        """)
    environ = {"PYCONNECT_KAFKA_SASL_USERNAMES": SECRET, "PYCONNECT_KAFKA_LOG_LEVEL": "9"}
    assert problems(None, file, **environ) == [
        (
            "worker.yaml:2: kafka.bootstrap.servers: 'kafka-1' has no port. Write kafka-1:9092, if the"
            " brokers listen there."
        ),
        (
            "worker.yaml:3: kafka.security.protocol: must be PLAINTEXT or SSL or SASL_PLAINTEXT or"
            " SASL_SSL, got 'tls'."
        ),
        (
            "worker.yaml:5: kafka.sasl.mechanism: sasl.mechanism is already given by worker.yaml:4."
            " Keep one."
        ),
        (
            "worker.yaml:6: kafka.sasl.pasword: Kafka's client has no such property. Did you mean"
            " sasl.password?"
        ),
        (
            "worker.yaml:7: kafka.sasl.password: must be text, with commas if it is a list, got a list"
            " of 1 item."
        ),
        (
            "worker.yaml:8: kafka.acks: can't be set: it is part of the exactly-once guarantee, and set"
            " by pyconnect. Leave it out."
        ),
        (
            'worker.yaml:9: kafka.message.max.bytes: Configuration property "message.max.bytes" value'
            " 10 is outside allowed range 1000..1000000000."
        ),
        "worker.yaml:10: kafka.error_cb: takes code, not text. Leave it out.",
        "worker.yaml:11: kafka.ssl.truststore.location: is of Java's client. Write ssl.ca.location.",
        (
            "worker.yaml:12: kafka.transaction.timeout.ms: is a setting of the worker. Write"
            " transaction.timeout.ms without kafka."
        ),
        (
            "worker.yaml:13: kafka.client.rack: the environment variable NOPE is not set. Set it, or"
            " give a default: ${env:NOPE:-default}."
        ),
        "worker.yaml:14: kafka.debug: has no value.",
        "worker.yaml:15: offset.storage.topic: unknown setting. Did you mean offsets.storage.topic?",
        "worker.yaml:16: transaction.timeout.ms: must be at least 1000, got 5 (a number).",
        "worker.yaml:17: bootstrap.servers: unknown setting. Write kafka.bootstrap.servers.",
        (
            "worker.yaml:18: tasks.max: unknown setting. It belongs into a connector's file, and this is"
            " the worker's."
        ),
        (
            'PYCONNECT_KAFKA_LOG_LEVEL: Configuration property "log_level" value 9 is outside allowed'
            " range 0..7."
        ),
        (
            "PYCONNECT_KAFKA_SASL_USERNAMES: Kafka's client has no such property. Did you mean"
            " sasl.username?"
        ),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty: write at least `kafka.bootstrap.servers: HOST:PORT`"),
        ("- a\n", "must be a map of options, such as `kafka.bootstrap.servers: HOST:PORT`"),
        ("kafka: a:1\n", "kafka: must be a map. Write kafka.bootstrap.servers: HOST:PORT."),
        (
            "kafka: {client.id: a}\n",
            (
                "kafka.client.id: is given, but no bootstrap.servers. Name the"
                " cluster: kafka.bootstrap.servers in the worker's file, PYCONNECT_KAFKA or --kafka."
            ),
        ),
        (
            "kafka.client.id: a\nkafka: {client.id: b, bootstrap.servers: 'a:1'}\n",
            "kafka.client.id: already given in line 1: keep one",
        ),
        (
            "schemas.storage.topic: pyconnect-offsets\n",
            (
                "offsets.storage.topic,"
                " claims.storage.topic and schemas.storage.topic are three topics, and got"
                " pyconnect-offsets, pyconnect-claims, pyconnect-offsets. Give each a name of its own, not"
                " . or .."
            ),
        ),
        (
            "zork: 1\n",
            (
                "zork: unknown setting. There are kafka.*, offsets.storage.topic,"
                " claims.storage.topic, schemas.storage.topic, transaction.timeout.ms, data.dir."
            ),
        ),
    ],
)
def test_what_is_wrong_with_a_file_is_told(text: str, said: str, worker: Write) -> None:
    (found,) = problems(worker=worker(text))
    assert found.partition(": ")[2] == said


def test_secrets_come_from_the_providers_and_are_never_shown(worker: Write, tmp_path: Path) -> None:
    (tmp_path / "password").write_text(f"{SECRET}\n")
    file = worker(f"""
        kafka:
          bootstrap.servers: a:1
          security.protocol: SASL_SSL
          sasl.mechanism: SCRAM-SHA-512
          sasl.username: ${{env:USER_NAME}}
          sasl.password: ${{file:{tmp_path}/password}}
        """)
    made = asked(None, file, USER_NAME="writer")
    assert made.kafka is not None
    assert made.kafka.client["sasl.password"] == SECRET
    assert made.kafka.client["sasl.username"] == "writer"
    assert all(type(value) is str for value in made.kafka.client.values())
    assert SECRET not in repr(made) and "writer" not in repr(made)
    assert SECRET not in repr(Said(SECRET, "here"))


def test_a_secret_is_not_shown_where_it_should_not_be(worker: Write) -> None:
    file = worker("""
        kafka:
          bootstrap.servers: ${env:SECRET}
          debug: ${env:SECRET}
          security.protocol: ${env:SECRET}
        """)
    said = problems(None, file, SECRET=SECRET)
    assert [each.partition(": ")[2] for each in said] == [
        "kafka.bootstrap.servers: what ${env:SECRET} gives is no list of HOST:PORT.",
        "kafka.debug: what ${env:SECRET} gives is refused by Kafka's client.",
        "kafka.security.protocol: what ${env:SECRET} gives is refused by Kafka's client.",
    ]
    assert len(problems(f"user:{SECRET}@a:1")) == 1


def test_a_login_that_would_never_be_used_is_refused(worker: Write) -> None:
    file = worker("kafka: {bootstrap.servers: 'a:1', sasl.username: me}\n")
    assert problems(worker=file) == [
        (
            "worker.yaml:1: kafka.sasl.username: is never used with security.protocol PLAINTEXT. Make"
            " that SASL_SSL, or SASL_PLAINTEXT where the network is trusted."
        )
    ]
    assert cluster(None, file, PYCONNECT_KAFKA_SECURITY_PROTOCOL="sasl_ssl")


def test_properties_without_a_cluster_are_not_passed_over_in_silence() -> None:
    (said,) = problems(PYCONNECT_KAFKA_SECURITY_PROTOCOL="SSL")
    assert said.startswith("PYCONNECT_KAFKA_SECURITY_PROTOCOL: is given, but no bootstrap.servers.")


def test_what_a_container_platform_sets_for_a_service_is_passed_over() -> None:
    """A service that is called pyconnect-kafka: its variables look like ours."""
    assert asked(
        PYCONNECT_KAFKA_SERVICE_HOST="10.0.0.1",
        PYCONNECT_KAFKA_SERVICE_PORT="9092",
        PYCONNECT_KAFKA_SERVICE_PORT_PLAIN="9092",
        PYCONNECT_KAFKA_PORT="tcp://10.0.0.1:9092",
        PYCONNECT_KAFKA_PORT_9092_TCP="tcp://10.0.0.1:9092",
        PYCONNECT_KAFKA_PORT_9092_TCP_PROTO="tcp",
        PYCONNECT_KAFKA_PORT_9092_TCP_ADDR="10.0.0.1",
    ) == LogPlace(Path("pyconnect-data"))


def test_an_empty_variable_says_nothing() -> None:
    assert asked(PYCONNECT_KAFKA="", PYCONNECT_WORKER="", PYCONNECT_DATA_DIR="") == asked()


def test_only_values_that_are_no_secret_are_shown_to_the_client() -> None:
    seen: list[str] = []

    def watched(name: str, value: str) -> str | None:
        seen.append(name)
        return refusal(name, value)

    environ = {
        f"PYCONNECT_KAFKA_{name.replace('.', '_').upper()}": WORDS.get(name, ("1000",))[-1]
        for name in PROPERTIES - OWNED.keys()
        if is_secret(name) or name in ("plugin.library.paths", "linger.ms", *WORDS)
    }
    environ.pop("PYCONNECT_KAFKA_SASL_OAUTHBEARER_CLIENT_CREDENTIALS_CLIENT_SECRET")
    place(Asked(kafka="a:1"), environ, watched)
    assert sorted(seen) == ["linger.ms", "sasl.mechanism", "security.protocol"]


def test_the_data_directory_is_found_without_reading_a_secret(worker: Write) -> None:
    file = worker("kafka.sasl.password: ${file:/nowhere}\ndata.dir: there\n")
    assert data_dir(Asked(worker=file), {}) == Path("there")
    assert data_dir(Asked(worker=file), {"PYCONNECT_DATA_DIR": "here"}) == Path("here")
    assert data_dir(Asked(Path("option"), worker=file), {}) == Path("option")
    assert data_dir(Asked(), {"PYCONNECT_WORKER": str(file)}) == Path("there")
    with pytest.raises(ConfigError, match=r"dta\.dir: unknown setting\. Did you mean data\.dir\?"):
        data_dir(Asked(worker=worker("dta.dir: x\n")), {})
