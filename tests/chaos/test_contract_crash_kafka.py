"""Level crash of the contract on a real broker: workers that write to Kafka, killed at every boundary."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from connectors_core.app import Asked, KafkaPlace, find_place
from connectors_core.cli.group import pyconnect
from connectors_core.runtime.crash import EVERYWHERE
from connectors_core.stores.kafka import client
from connectors_core.testing.judge import Court, Verdict
from connectors_core.testing.kills.job import Job
from connectors_core.testing.kills.nursery import Nursery
from connectors_core.testing.kills.plot import Plot
from connectors_core.testing.laws.killing import on_kafka
from connectors_core.testing.trial import Trial
from tests.chaos import kafka_topics
from tests.chaos.kafka_worker import until
from tests.chaos.plugin_contracts import contract
from tests.hostile import kill_mutants
from tests.kafka import topic

NAMES = (
    "file-lines.FinishedContract",
    "file-lines.FollowedContract",
    "stock-websocket.BinanceContract",
    "stock-websocket.UpbitContract",
)

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(660)]


@pytest.fixture
def place(kafka: str) -> KafkaPlace:
    found = find_place(Asked(kafka=kafka)).kafka
    assert found is not None
    return found


def judged(which: Any, place: KafkaPlace, part: int = 1, parts: int = 1) -> Verdict:
    # With more time than it has: that a machine does other things too is no fault of a source.
    law = replace(on_kafka(place), seconds=600.0)
    return Court(which.declaration(), "crash", (part, parts)).one(law)


def ours(kafka: str) -> set[str]:
    """Return the topics of the contract's own that are there."""
    there = kafka_topics.client(kafka).list_topics(timeout=30).topics
    return {name for name in there if name.startswith("pyconnect-contract-")}


@pytest.mark.parametrize("name", NAMES)
def test_a_source_survives_a_kill_at_every_point(name: str, kafka: str, place: KafkaPlace) -> None:
    verdict = judged(contract(name), place)
    print(f"{name}: {verdict.outcome} in {verdict.seconds:.0f} s: {verdict.reason}")
    assert verdict.outcome == "passed", verdict.reason
    assert int(verdict.reason.split()[0]) >= 200
    # What comes at once is committed when the source is to go on; only what trickles is staged.
    staged = name.startswith("stock-websocket")
    assert all(point in verdict.reason for point in EVERYWHERE if staged or point != "stage")
    until(lambda: not ours(kafka))


def test_offsets_outside_of_their_transaction_are_seen(place: KafkaPlace) -> None:
    """The embedded log has no such fault: see `test_contract_kills.py`."""
    verdict = judged(kill_mutants.OffsetsOutsideContract, place, 1, 2)
    assert verdict.outcome == "failed"
    assert " lost, as " in verdict.reason


def test_what_is_not_committed_is_not_read(
    place: KafkaPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Kills leave records of transactions that were aborted, and a reader of those too sees them."""
    properties = client.consumer_properties

    def uncommitted(*given: Any, **options: Any) -> Any:
        return properties(*given, **options) | {"isolation.level": "read_uncommitted"}

    assert judged(kill_mutants.LawfulContract, place, 1, 20).outcome == "passed"
    monkeypatch.setattr(client, "consumer_properties", uncommitted)
    verdict = judged(kill_mutants.LawfulContract, place, 1, 2)
    assert verdict.outcome == "failed"
    assert " doubled, as " in verdict.reason


def test_a_source_that_only_a_kill_shows_is_seen(place: KafkaPlace) -> None:
    verdict = judged(kill_mutants.AcknowledgesAtTheEndContract, place, 1, 2)
    assert verdict.outcome == "failed"
    assert "killed at " in verdict.reason


@pytest.mark.skipif(sys.platform != "linux", reason="threads of others are seen on Linux")
async def test_no_client_is_made_before_a_child_is_born(
    tmp_path: Path, kafka: str, place: KafkaPlace
) -> None:
    """A fork takes one thread along: a client that its parent had would wait for the others."""
    trial, name = Trial(kill_mutants.LawfulContract.declaration()), topic.unique("born")
    async with trial.upstream() as far, Nursery(trial.home) as nursery:
        for number in range(2):
            plot = Plot(f"{tmp_path}/{number}", place, f"{name}-{number}", name)
            done = await nursery.do(Job("run", plot, trial.options(far)))
            assert done.code == 0, done.text
            assert len([*Path(f"/proc/{nursery._process.pid}/task").iterdir()]) == 1


def test_the_command_makes_its_kills_on_a_cluster(kafka: str) -> None:
    words = ["contract", "file-lines", "--level", "crash", "--kafka", kafka, "--shard", "1/40"]
    found = CliRunner().invoke(pyconnect, words, catch_exceptions=False)
    assert found.exit_code == 0, found.output
    assert "survives_a_kill_at_every_point: 6 kills on Kafka at pull, " in found.stdout
    until(lambda: not ours(kafka))
