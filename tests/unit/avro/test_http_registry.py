"""The registry on a Confluent server: real sockets, a real client, every way to be refused."""

from __future__ import annotations

import base64
import logging
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.serialization import MessageField, SerializationContext

from connectors_core.api.errors import ConfigError, DataError, SchemaError, StoreError
from connectors_core.api.schema import Schema
from connectors_core.avro.converter import AvroConverter
from connectors_core.avro.http_registry import (
    LATEST_SECONDS,
    REFUSED_SECONDS,
    HttpRegistries,
    HttpRegistry,
)
from connectors_core.avro.patience import WAIT_SECONDS, Patience
from connectors_core.avro.registry_options import RegistryOptions
from connectors_core.herder.standalone import SILENT_SECONDS
from connectors_core.runtime.retry import error_group, restartable
from tests.unit.avro.confluent_server import ConfluentServer

LONG, TEXT = Schema.avro("long"), Schema.avro("string")
SECRET = "s3cr3t-p4ss"
NOWHERE = "http://127.0.0.1:1"


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def server() -> Iterator[ConfluentServer]:
    with ConfluentServer() as found:
        yield found


def options(url: str, **more: Any) -> RegistryOptions:
    return RegistryOptions.model_validate({"schema.registry.url": url, **more})


def registry(url: str, *, seconds: float = WAIT_SECONDS, **more: Any) -> HttpRegistry:
    clock = more.pop("clock", time.monotonic)
    return HttpRegistry(options(url, **more), Patience(seconds), clock=clock)


def converter(found: HttpRegistry, **more: Any) -> AvroConverter:
    return AvroConverter(found, is_key=False, **more)


def decoded(server: ConfluentServer, topic: str, data: bytes) -> Any:
    """Decode as any consumer would that knows nothing of us."""
    with SchemaRegistryClient({"url": server.url}) as client:
        return AvroDeserializer(client)(data, SerializationContext(topic, MessageField.VALUE))


# What it is for.


def test_ids_come_from_the_server_and_are_asked_for_once(server: ConfluentServer) -> None:
    found = registry(server.url)
    assert [found.register("t", LONG), found.register("t", TEXT), found.register("t", LONG)] == [
        1,
        2,
        1,
    ]
    assert len(server.asked("POST")) == 2
    assert found.schema(2) == TEXT
    assert server.asked("GET") == []


@dataclass
class Trade:
    symbol: str
    price: float


def test_a_stock_deserializer_reads_what_is_learnt_declared_and_grown(
    server: ConfluentServer,
) -> None:
    avro = converter(registry(server.url))
    assert avro.wants_samples("quotes", None)
    avro.learn("quotes", [{"a": 1}])
    one = avro.encode("quotes", None, {"a": 1})
    two = avro.encode("quotes", None, {"a": 2, "b": "x"})
    three = avro.encode("trades", None, Trade("a", 1.5))
    assert decoded(server, "quotes", one) == {"a": 1}
    assert decoded(server, "quotes", two) == {"a": 2, "b": "x"}
    assert decoded(server, "trades", three) == {"symbol": "a", "price": 1.5}
    assert decoded(server, "n", avro.encode("n", LONG, 7)) == 7
    assert {name: len(texts) for name, texts in server.subjects.items()} == {
        "quotes-value": 2,
        "trades-value": 1,
        "n-value": 1,
    }


def test_a_second_worker_goes_on_from_the_first_ones_schema(server: ConfluentServer) -> None:
    converter(registry(server.url)).learn("t", [{"a": 1}])
    other = converter(registry(server.url))
    assert not other.wants_samples("t", None)
    assert decoded(server, "t", other.encode("t", None, {"a": 3})) == {"a": 3}
    assert len(server.subjects["t-value"]) == 1


def test_a_newer_version_of_another_worker_is_seen_after_a_second(server: ConfluentServer) -> None:
    clock = Clock()
    one, other = registry(server.url, clock=clock), registry(server.url)
    other.register("t", LONG)
    assert one.latest("t") == LONG
    other.register("t", TEXT)
    assert one.latest("t") == LONG
    clock.now += LATEST_SECONDS
    assert one.latest("t") == TEXT


def test_an_old_version_that_is_registered_again_is_not_the_newest(
    server: ConfluentServer,
) -> None:
    other = registry(server.url)
    other.register("t", LONG)
    other.register("t", TEXT)
    found = registry(server.url)
    assert found.register("t", LONG) == 1
    assert found.latest("t") == TEXT


def test_values_are_decoded_by_the_servers_schemas(server: ConfluentServer) -> None:
    data = converter(registry(server.url)).encode("t", LONG, 7)
    assert converter(registry(server.url)).decode("t", data) == 7


def test_threads_that_need_the_same_schema_register_it_once(server: ConfluentServer) -> None:
    avro, got = converter(registry(server.url)), []
    together = threading.Barrier(8)

    def work() -> None:
        together.wait()
        got.append(avro.encode("t", LONG, 1))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 8 and len(set(got)) == 1
    assert len(server.asked("POST")) == 1


def test_converters_with_the_same_options_share_a_registry(server: ConfluentServer) -> None:
    registries = HttpRegistries()
    assert registries.of(options(server.url)) is registries.of(options(server.url))
    assert registries.of(options(server.url)) is not registries.of(options(NOWHERE))


# Options.


@pytest.mark.parametrize(
    ("strategy", "declared", "learnt"),
    [
        ("TopicNameStrategy", "my-topic-value", "my-topic-value"),
        ("RecordNameStrategy", "Trade", "my_topic"),
        ("TopicRecordNameStrategy", "my-topic-Trade", "my-topic-my_topic"),
    ],
)
def test_subjects_are_named_by_the_strategy(
    server: ConfluentServer, strategy: Any, declared: str, learnt: str
) -> None:
    for value, subject in ((Trade("a", 1.0), declared), ({"a": 1}, learnt)):
        server.subjects.clear()
        avro = converter(registry(server.url), strategy=strategy)
        avro.learn("my-topic", [value])
        data = avro.encode("my-topic", None, value)
        assert list(server.subjects) == [subject]
        assert avro.decode("my-topic", data)


def test_a_schema_without_a_name_is_refused_where_names_are_subjects(
    server: ConfluentServer,
) -> None:
    avro = converter(registry(server.url), strategy="RecordNameStrategy")
    with pytest.raises(SchemaError, match=r"has no name of its own.*TopicNameStrategy"):
        avro.encode("t", LONG, 1)


def test_without_auto_register_only_what_is_there_is_used(server: ConfluentServer) -> None:
    with pytest.raises(SchemaError, match=r"subject t has no version .*auto\.register\.schemas"):
        registry(server.url, **{"auto.register.schemas": False}).register("t", LONG)
    assert server.subjects == {}
    known = registry(server.url).register("t", LONG)
    quiet = registry(server.url, **{"auto.register.schemas": False})
    assert quiet.register("t", LONG) == known
    with pytest.raises(SchemaError):
        quiet.register("t", TEXT)


def test_compatibility_is_set_on_a_new_subject_only(server: ConfluentServer) -> None:
    registry(server.url).register("old", LONG)
    found = registry(server.url, compatibility="FULL")
    found.register("old", TEXT)
    found.register("new", LONG)
    found.register("new", TEXT)
    assert server.levels == {"new": "FULL"}
    assert server.requests.index(("PUT", "/config/new")) < server.requests.index(
        ("POST", "/subjects/new/versions")
    )


@pytest.mark.parametrize(
    ("more", "header"),
    [
        (
            {"basic.auth.user.info": f"me:{SECRET}"},
            "Basic " + base64.b64encode(f"me:{SECRET}".encode()).decode(),
        ),
        ({"bearer.auth.token": SECRET}, f"Bearer {SECRET}"),
    ],
)
def test_credentials_reach_the_server_and_nothing_else(
    server: ConfluentServer,
    more: dict[str, Any],
    header: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    server.authorization = header
    found = registry(server.url, **more)
    assert found.register("t", LONG) == 1
    # A server that repeats them is no reason to show them.
    server.fault = (401, {"error_code": 401, "message": f"who is me:{SECRET}?"})
    with pytest.raises(ConfigError) as refused:
        found.register("t", TEXT)
    shown = f"{refused.value} {refused.value!r} {found!r} {options(server.url, **more)!r}"
    assert "who is" in shown
    assert SECRET not in shown + caplog.text


# Refusals.


@pytest.mark.parametrize("status", [401, 403])
def test_bad_credentials_are_a_mistake_that_no_restart_mends(
    server: ConfluentServer, status: int
) -> None:
    server.fault = (status, {"error_code": status, "message": "no"})
    with pytest.raises(ConfigError, match=r"basic\.auth\.user\.info") as refused:
        registry(server.url).register("t", LONG)
    assert not restartable(refused.value)
    assert len(server.requests) == 1


def test_an_incompatible_schema_is_told_with_both_and_not_asked_again_at_once(
    server: ConfluentServer,
) -> None:
    clock = Clock()
    found = registry(server.url, clock=clock)
    found.register("t", LONG)
    server.refused.add(TEXT.text)
    for _ in range(3):
        with pytest.raises(SchemaError) as refused:
            found.register("t", TEXT)
        assert 'subject t can\'t change from "long" to "string"' in str(refused.value)
    assert len(server.asked("POST")) == 2
    server.refused.clear()
    clock.now += REFUSED_SECONDS
    assert found.register("t", TEXT) == 2


@pytest.mark.parametrize("status", [408, 429, 500, 503, 504])
def test_a_server_in_trouble_is_a_reason_to_restart(server: ConfluentServer, status: int) -> None:
    found = registry(server.url)
    server.fault = (status, {"error_code": status, "message": "in trouble"})
    with pytest.raises(StoreError, match="in trouble") as refused:
        found.register("t", LONG)
    assert restartable(refused.value) and error_group(refused.value) == "store"
    assert refused.value.code == "store.registry"
    server.fault = None
    assert found.register("t", LONG) == 1


@pytest.mark.parametrize(
    ("fault", "kind", "text"),
    [
        ((200, b"<html>welcome</html>"), StoreError, "Tasks that need it are restarted"),
        ((200, {"id": "one"}), StoreError, "'one' where the id of a schema must be"),
        ((200, {"id": 1 << 31}), StoreError, "where the id of a schema must be"),
        ((200, {}), StoreError, "None where the id of a schema must be"),
        ((404, b"<html>nothing here</html>"), ConfigError, r"Look at schema\.registry\.url"),
        ((302, b""), ConfigError, r"Look at schema\.registry\.url"),
        ((405, {"error_code": 405, "message": "read only"}), ConfigError, "takes no schemas"),
        ((422, {"error_code": 42205, "message": "mode"}), ConfigError, "takes no schemas"),
        ((422, {"error_code": 42201, "message": "bad"}), SchemaError, "refuses the schema: bad"),
    ],
)
def test_a_strange_answer_is_an_error_of_its_kind(
    server: ConfluentServer, fault: Any, kind: type[Exception], text: str
) -> None:
    server.fault = fault
    with pytest.raises(kind, match=text):
        registry(server.url).register("t", LONG)


def test_an_unknown_id_is_an_error_of_the_record(server: ConfluentServer) -> None:
    avro = converter(registry(server.url))
    with pytest.raises(DataError, match="no schema with the id 77"):
        avro.decode("t", b"\0\0\0\0\x4d\x02")


@pytest.mark.parametrize("more", [{"schemaType": "PROTOBUF"}, {"references": [
    {"name": "a", "subject": "a", "version": 1}]}])  # fmt: skip
def test_a_schema_that_is_not_plain_avro_is_an_error_of_the_record(
    server: ConfluentServer, more: Any
) -> None:
    server.fault = (200, {"schema": '"long"', **more})
    with pytest.raises(DataError, match="Only Avro schemas"):
        registry(server.url).schema(1)


# A server that is not there.


def test_a_server_that_is_down_at_the_start_is_used_when_it_is_up() -> None:
    server = ConfluentServer()
    with server:
        pass  # to have a port where nobody listens now
    found = registry(server.url)
    with pytest.raises(StoreError, match=server.url) as refused:
        found.register("t", LONG)
    assert restartable(refused.value)
    with server:
        assert found.register("t", LONG) == 1


def test_what_is_known_goes_on_while_the_server_is_down(
    server: ConfluentServer, caplog: pytest.LogCaptureFixture
) -> None:
    clock = Clock()
    found = registry(server.url, clock=clock)
    avro = converter(found)
    avro.learn("t", [{"a": 1}])
    before = avro.encode("t", None, {"a": 1})
    server.stop()
    clock.now += 60.0
    assert avro.encode("t", None, {"a": 1}) == before
    # Another run of the task has new converters on the same registry.
    again = converter(found)
    assert not again.wants_samples("t", None)
    assert again.encode("t", None, {"a": 1}) == before
    assert again.decode("t", before) == {"a": 1}
    assert "its last one is used" in caplog.text
    with pytest.raises(StoreError):
        again.encode("t", None, {"a": 1, "b": 2})
    server.start()
    data = again.encode("t", None, {"a": 1, "b": 2})
    assert decoded(server, "t", data) == {"a": 1, "b": 2}


def test_the_next_address_is_tried_when_the_first_is_down(server: ConfluentServer) -> None:
    found = registry(f"{NOWHERE}, {server.url}/")
    assert found.register("t", LONG) == 1


def test_a_slow_server_keeps_the_caller_no_longer_than_its_patience(
    server: ConfluentServer,
) -> None:
    seconds = 0.3
    found = registry(server.url, seconds=seconds)
    server.hang()
    before = time.monotonic()
    for number in range(20):
        with pytest.raises(StoreError, match=r"no answer within|timed out"):
            found.register(f"t{number}", LONG)
    # All twenty, as in one turn of the loop: each of them alone would have waited so long.
    assert time.monotonic() - before < 5 * seconds
    assert WAIT_SECONDS < SILENT_SECONDS - 1.0


def test_an_answer_that_comes_late_is_kept(server: ConfluentServer) -> None:
    found = HttpRegistry(options(server.url), slow := Patience(5.0))
    slow._left = 0.0  # the caller has none left, the call itself has its 5 s
    server.hang()
    with pytest.raises(StoreError, match="no answer within 5 s"):
        found.register("t", LONG)
    (thread,) = [each for each in threading.enumerate() if each.name == "pyconnect-registry"]
    server.go_on()
    thread.join()
    server.stop()
    assert found.register("t", LONG) == 1


# How it is loaded, and what it trusts.


def in_python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


def test_without_the_extra_the_error_names_it() -> None:
    done = in_python(
        "import sys; sys.modules['authlib'] = None\n"
        "from connectors_core.avro.http_registry import HttpRegistry\n"
        "from connectors_core.avro.registry_options import RegistryOptions\n"
        "HttpRegistry(RegistryOptions.model_validate({'schema.registry.url': 'http://a'}))"
    )
    assert "ConfigError: schema.registry.url needs the extra `registry`" in done.stderr
    assert "pip install 'connectors-core[registry]'" in done.stderr


def test_the_client_is_not_loaded_until_a_registry_is_asked_for() -> None:
    done = in_python(
        "import sys, connectors_core.app.specs\n"
        "print([name for name in ('confluent_kafka', 'authlib') if name in sys.modules])"
    )
    assert done.stdout == "[]\n", done.stderr


@pytest.mark.parametrize("name", ["ssl.ca.location", "ssl.certificate.location"])
def test_a_certificate_that_is_not_there_is_told_before_anything_runs(name: str) -> None:
    with pytest.raises(ConfigError, match=r"Look at ssl\.ca\.location"):
        registry("https://127.0.0.1:1", **{name: "/nowhere.pem"})


Certificates = tuple[Callable[[], ConfluentServer], str]


def test_a_certificate_is_checked_by_the_authority_that_is_given(
    certificates: Certificates,
) -> None:
    make, authority = certificates
    with make() as server:
        assert registry(server.url, **{"ssl.ca.location": authority}).register("t", LONG) == 1
        with pytest.raises(ConfigError, match=r"Give the authority .* as ssl\.ca\.location"):
            registry(server.url).register("t", TEXT)
        with pytest.raises(ConfigError, match=r"Give the authority"):
            registry(f"{NOWHERE},{server.url}").register("t", TEXT)
        elsewhere = server.url.replace("127.0.0.1", "localhost")
        with pytest.raises(ConfigError, match=r"Give the authority"):
            registry(elsewhere, **{"ssl.ca.location": authority}).register("t", TEXT)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Make servers whose certificate is for 127.0.0.1, and the file that it is trusted by."""
    import ssl
    from datetime import UTC, datetime, timedelta
    from ipaddress import ip_address

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    folder, key, now = tmp_path_factory.mktemp("tls"), ec.generate_private_key(ec.SECP256R1()), (
        datetime.now(UTC)
    )  # fmt: skip
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "registry")])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "certificate.pem").write_bytes(made.public_bytes(pem))
    (folder / "key.pem").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )

    def server() -> ConfluentServer:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "certificate.pem", folder / "key.pem")
        return ConfluentServer(context)

    return server, str(folder / "certificate.pem")
