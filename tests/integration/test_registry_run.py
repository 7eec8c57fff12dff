"""`pyconnect run` with a schema registry on a server: written with its ids, whatever befalls it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.serialization import MessageField, SerializationContext

from connectors_core.stores.embedded import FILE_NAME, EmbeddedReader
from tests.unit.avro.confluent_server import ConfluentServer

pytestmark = pytest.mark.slow

CALL = [sys.executable, "-c", "from connectors_core.cli import main; main()"]
SECRET = "s3cr3t-t0ken"
PLUGIN = '''
import asyncio
from pathlib import Path

from connectors_core import Config, Record, Source, hookimpl


class Grows(Source[Config]):
    """Ten records, then, when the file `go` is there, ten with another field."""

    name = "grows"

    async def read(self, partition, offset):
        for n in range(offset["n"] + 1 if offset else 0, 20):
            while n == 10 and not Path("go").exists():
                await asyncio.sleep(0.01)
            yield Record({"n": n} if n < 10 else {"n": n, "more": "x"}, offset={"n": n})


@hookimpl
def pyconnect_sources():
    return [Grows]
'''


class Site:
    """A folder where a connector runs against a registry of ours."""

    def __init__(self, folder: Path, registry: ConfluentServer) -> None:
        self.folder = folder
        self.registry = registry
        self.child: subprocess.Popen[str] | None = None
        (folder / "grows.py").write_text(PLUGIN)

    def start(self, *lines: str, go: bool = False) -> None:
        text = ["connector.class: grows", "restart.delay.ms: 50", *lines]
        text.append(f"value.converter.schema.registry.url: {self.registry.url}")
        (self.folder / "g.yaml").write_text("\n".join(text))
        if go:
            self.go()
        words = ["run", "g.yaml", "--plugin", "grows.py", "--log-level", "debug"]
        self.child = subprocess.Popen(
            [*CALL, *words],
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "TOKEN": SECRET},
        )

    def go(self) -> None:
        (self.folder / "go").touch()

    def until(self, fits: Callable[[dict[str, Any]], bool]) -> None:
        """Wait until the connector's status fits."""
        seen: Any = None
        for _ in range(300):
            done = subprocess.run(
                [*CALL, "status", "--json"],
                cwd=self.folder,
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode == 0:
                seen = json.loads(done.stdout)["connectors"][0]
                if fits(seen):
                    return
            time.sleep(0.05)
        raise AssertionError(f"never fitted; last seen: {seen}")

    def end(self) -> tuple[int, str]:
        assert self.child is not None
        out, err = self.child.communicate(timeout=60)
        return self.child.returncode, out + err

    def written(self) -> list[Any]:
        """Return every value of the topic, as a stock deserializer reads it."""
        with (
            closing(EmbeddedReader(self.folder / "pyconnect-data" / FILE_NAME)) as reader,
            SchemaRegistryClient({"url": self.registry.url}) as client,
        ):
            assert [topic.name for topic in reader.topics() if topic.records] == ["g"]
            assert reader.schemas() == []
            decode = AvroDeserializer(client)
            context = SerializationContext("g", MessageField.VALUE)
            return [decode(each.value, context) for each in reader.read("g", 0, 0)]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with ConfluentServer() as registry:
        found = Site(tmp_path, registry)
        yield found
        if found.child is not None:
            found.child.kill()
            found.child.communicate()


def restarted(status: dict[str, Any]) -> bool:
    return bool(status["restarts"] > 0)


def whole(values: list[Any]) -> bool:
    return [value["n"] for value in values] == list(range(20)) and values[-1]["more"] == "x"


def test_records_are_written_with_the_servers_ids_and_no_schema_is_stored(site: Site) -> None:
    site.start()
    site.until(lambda status: bool(status["records"] == 10))
    site.go()
    assert site.end()[0] == 0
    assert whole(site.written())
    assert len(site.registry.subjects["g-value"]) == 2


def test_a_server_that_is_down_at_the_start_is_waited_for(site: Site) -> None:
    site.registry.stop()
    site.start(go=True)
    site.until(restarted)
    site.registry.start()
    code, said = site.end()
    assert code == 0, said
    assert whole(site.written())


@pytest.mark.parametrize("tolerance", ["none", "all"])
def test_a_server_that_goes_down_amid_the_run_loses_and_doubles_nothing(
    site: Site, tolerance: str
) -> None:
    """Not even to the dead letters: it is no fault of the records."""
    site.start(f"errors.tolerance: {tolerance}")
    site.until(lambda status: bool(status["records"] == 10))
    site.registry.stop()
    site.go()
    site.until(restarted)
    site.registry.start()
    code, said = site.end()
    assert code == 0, said
    assert whole(site.written())


def test_a_server_that_hangs_blocks_the_loop_for_less_than_the_watchdog_waits(site: Site) -> None:
    site.start()
    site.until(lambda status: bool(status["records"] == 10))
    site.registry.hang()
    site.go()
    site.until(restarted)
    site.registry.go_on()
    code, said = site.end()
    assert code == 0, said
    assert "blocked" not in said
    assert whole(site.written())


@pytest.mark.parametrize("tolerance", ["none", "all"])
def test_wrong_credentials_fail_the_task_and_are_shown_nowhere(site: Site, tolerance: str) -> None:
    site.registry.authorization = "Bearer another"
    site.start(
        f"errors.tolerance: {tolerance}",
        "value.converter.bearer.auth.token: ${env:TOKEN}",
        go=True,
    )
    code, said = site.end()
    assert code == 1, said
    assert "basic.auth.user.info or bearer.auth.token" in said
    assert SECRET not in said
    assert f"Bearer {SECRET}" in site.registry.heard


def test_an_incompatible_schema_fails_the_task_with_both(site: Site) -> None:
    site.start()
    site.until(lambda status: bool(status["records"] == 10))
    (stored,) = site.registry.subjects["g-value"]
    site.registry.refuse_new()
    site.go()
    code, said = site.end()
    assert code == 1
    assert "subject g-value can't change from" in said
    assert '\\"more\\"' in said and json.loads(stored)["name"] in said
