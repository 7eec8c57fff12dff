"""`pyconnect registry serve` as a process: stock clients read with it what a run has written."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka.schema_registry import Schema as ConfluentSchema
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.schema_registry.error import SchemaRegistryError
from confluent_kafka.serialization import MessageField, SerializationContext

from connectors_core.api.store import StoredRecord
from connectors_core.stores.embedded import FILE_NAME, EmbeddedReader

pytestmark = pytest.mark.slow

CALL = [sys.executable, "-c", "from connectors_core.cli import main; main()"]
PLUGIN = '''
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from connectors_core import Config, Record, Source, hookimpl


@dataclass
class Trade:
    symbol: str
    price: Decimal
    at: datetime


class Mixed(Source[Config]):
    """Gives what is learnt, what grows in the second run, and what is declared."""

    name = "mixed"
    topics = ("trades",)

    async def read(self, partition, offset):
        for n in range(3, 6) if offset else range(3):
            value = {"n": n, "name": f"#{n}"} if n > 2 else {"n": n}
            yield Record(value, key=f"k{n}", offset=None)
            trade = Trade("005930", Decimal("71000.5"), datetime(2024, 5, 1, tzinfo=UTC))
            yield Record(trade, topic="trades", offset={"n": n})


@hookimpl
def pyconnect_sources():
    return [Mixed]
'''


class Site:
    """A folder with a log in it, and the server that shows its schemas."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.server: subprocess.Popen[str] | None = None
        (folder / "mixed.py").write_text(PLUGIN)

    def run(self, name: str) -> None:
        (self.folder / f"{name}.yaml").write_text("connector.class: mixed\n")
        words = ["run", f"{name}.yaml", "--plugin", "mixed.py"]
        done = subprocess.run(
            [*CALL, *words], cwd=self.folder, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr

    def call(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*CALL, "registry", "serve", *words],
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )

    def serve(self, *words: str) -> str:
        self.server = subprocess.Popen(
            [*CALL, "registry", "serve", "--port", "0", *words],
            cwd=self.folder,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.server.stderr is not None
        line = self.server.stderr.readline()
        assert line.startswith("schema registry (read only) on http://"), line
        return line.rpartition(" ")[2].strip()

    def records(self, topic: str) -> list[StoredRecord]:
        path = self.folder / "pyconnect-data" / FILE_NAME
        with closing(EmbeddedReader(path)) as reader:
            return reader.read(topic, 0, 0)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    found = Site(tmp_path)
    yield found
    if found.server is not None:
        found.server.kill()
        found.server.communicate()


def decoded(client: SchemaRegistryClient, topic: str, data: bytes | None, part: str) -> Any:
    field = MessageField.KEY if part == "key" else MessageField.VALUE
    return AvroDeserializer(client)(data, SerializationContext(topic, field))


def test_a_stock_deserializer_reads_the_log(site: Site) -> None:
    site.run("m")
    site.run("m")
    with SchemaRegistryClient({"url": site.serve()}) as client:
        records = site.records("m")
        keys = [decoded(client, "m", each.key, "key") for each in records]
        values = [decoded(client, "m", each.value, "value") for each in records]
        trades = [decoded(client, "m.trades", r.value, "value") for r in site.records("m.trades")]
    assert keys == [f"k{n}" for n in range(6)]
    assert [value["n"] for value in values] == list(range(6))
    assert [value.get("name") for value in values[3:]] == ["#3", "#4", "#5"]
    assert len(trades) == 6
    assert {(t["symbol"], str(t["price"].normalize()), t["at"].year) for t in trades} == {
        ("005930", "71000.5", 2024)
    }


def test_a_stock_client_finds_subjects_versions_and_schemas(site: Site) -> None:
    site.run("m")
    site.run("m")
    with SchemaRegistryClient({"url": site.serve()}) as client:
        assert client.get_subjects() == ["m-key", "m-value", "m.trades-value"]
        assert client.get_subjects(subject_prefix="m.") == ["m.trades-value"]
        assert client.get_versions("m-value") == [1, 2]
        newest = client.get_latest_version("m-value")
        assert (newest.version, newest.subject) == (2, "m-value")
        assert newest.schema_id is not None and newest.schema.schema_str is not None
        assert client.get_schema(newest.schema_id).schema_str == newest.schema.schema_str
        asked = ConfluentSchema(json.dumps(json.loads(newest.schema.schema_str), indent=2))
        assert client.lookup_schema("m-value", asked).version == 2
        assert client.get_compatibility("m-value") == "BACKWARD"
        assert client.get_schema_types() == ["AVRO"]
        with pytest.raises(SchemaRegistryError) as refused:
            client.register_schema("m-value", ConfluentSchema('"long"'))
        assert refused.value.http_status_code == 405


def test_what_is_registered_while_it_serves_is_seen_at_once(site: Site) -> None:
    site.run("first")
    with SchemaRegistryClient({"url": site.serve()}) as client:
        assert "second-value" not in client.get_subjects()
        site.run("second")
        (*_, record) = site.records("second")
        assert decoded(client, "second", record.value, "value") == {"n": 2}
        site.run("second")
        (*_, record) = site.records("second")
        assert decoded(client, "second", record.value, "value") == {"n": 5, "name": "#5"}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_with_0_even_while_a_client_holds_a_connection(
    site: Site, number: signal.Signals
) -> None:
    site.run("m")
    host, _, port = site.serve().removeprefix("http://").partition(":")
    assert site.server is not None
    with socket.create_connection((host, int(port))) as held:
        held.sendall(b"GET /subjects HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert held.recv(12) == b"HTTP/1.1 200"
        site.server.send_signal(number)
        assert site.server.wait(10) == 0
    assert site.server.stderr is not None
    assert "Traceback" not in site.server.stderr.read()


def test_a_name_that_is_not_its_own_is_refused(site: Site) -> None:
    site.run("m")
    url = site.serve("--allowed-host", "registry")
    asked = [
        urllib.request.Request(f"{url}/subjects", headers={"Host": name})
        for name in ("registry:8081", "evil.example")
    ]
    with urllib.request.urlopen(asked[0]) as answer:
        assert json.load(answer) == ["m-key", "m-value", "m.trades-value"]
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(asked[1])
    with refused.value as answer:
        assert answer.code == 421


def test_it_does_not_serve_what_no_broker_shows(site: Site) -> None:
    done = site.call("--port", "0", "--kafka", "127.0.0.1:1")
    assert done.returncode == 3
    assert done.stderr.startswith("127.0.0.1:1: no broker answered within 10 s.")


def test_it_says_what_keeps_it_from_serving(site: Site) -> None:
    nothing = site.call()
    assert (nothing.returncode, nothing.stdout) == (2, "")
    assert "nothing has been written yet" in nothing.stderr
    site.run("m")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = site.call("--port", str(port))
    assert done.returncode == 2
    assert f"can't listen on 127.0.0.1:{port}" in done.stderr
    assert "Traceback" not in done.stderr
