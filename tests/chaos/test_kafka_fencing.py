"""Invariant 4 on Kafka: a connector has one owner, whoever else believes to be it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.kafka_child import STORED
from tests.chaos.kafka_worker import SECONDS, KafkaWorker, until
from tests.kafka import oracle

pytestmark = pytest.mark.slow
ENDLESS = 50_000_000
Children = list[subprocess.Popen[bytes]]


@pytest.fixture
def children() -> Iterator[Children]:
    """Processes that end with the test, also those whose time stands still."""
    found: Children = []
    yield found
    for child in found:
        child.kill()
        child.wait()


def frozen_and_succeeded(
    worker: KafkaWorker, point: str, folder: Path, children: Children
) -> tuple[int, KafkaWorker]:
    """Freeze a worker, let a second one do all the work, thaw the first; return its exit code."""
    first = worker.start_frozen(point)
    children.append(first)
    second = worker.another(folder)
    assert second.run() == 0, second.said()
    return worker.thaw(first), second


@pytest.mark.parametrize("point", ["begin:3", "commit:3"])
def test_a_frozen_worker_that_wakes_up_commits_nothing(
    tmp_path: Path, kafka: str, children: Children, point: str
) -> None:
    """Amid a commit, or with records that wait for one: it tries, and stops as FENCED."""
    worker = KafkaWorker(tmp_path / "a", kafka, "counting", last=3000)
    code, _ = frozen_and_succeeded(worker, point, tmp_path / "b", children)
    assert worker.tried_in_vain
    assert code == 4
    assert "(fenced.claim)" in worker.said()
    assert "was taken over by process" in worker.said()
    worker.check(partitions=3, at_least=3000)


def test_without_fencing_the_same_test_sees_a_duplicate(
    tmp_path: Path, kafka: str, children: Children
) -> None:
    """The control: ids of their own, and no look at the claims."""
    worker = KafkaWorker(tmp_path / "a", kafka, "counting", bug="unfenced", last=3000)
    frozen_and_succeeded(worker, "begin:3", tmp_path / "b", children)
    _, doubled = worker.missing_and_doubled()
    assert doubled > 0
    with pytest.raises(AssertionError):
        worker.check(partitions=3, at_least=3000)


def test_of_two_that_start_at_once_one_stays(
    tmp_path: Path, kafka: str, children: Children
) -> None:
    one = KafkaWorker(tmp_path / "a", kafka, "counting", last=ENDLESS)
    other = one.another(tmp_path / "b")
    both = {one.start(): one, other.start(): other}
    children += both
    until(lambda: any(child.poll() is not None for child in both))
    (loser,) = [child for child in both if child.poll() is not None]
    (winner,) = both.keys() - {loser}
    assert loser.returncode == 4
    assert "(fenced.claim)" in both[loser].said()
    # It goes on: what it stores from now on comes after the other's end.
    both[winner].forget_flags()
    until(lambda: both[winner].flagged(STORED))
    assert winner.poll() is None
    winner.terminate()
    assert winner.wait(SECONDS) == 0
    assert "fenced" not in both[winner].said().lower()
    one.check(partitions=3)


@pytest.mark.parametrize(
    "words",
    [("reset", "--yes"), ("set", '{"p": 0}', '{"n": 2}', "--yes")],
    ids=["reset", "set"],
)
def test_a_change_of_offsets_stops_the_worker_that_runs(
    tmp_path: Path, kafka: str, children: Children, words: tuple[str, ...]
) -> None:
    worker = KafkaWorker(tmp_path / "a", kafka, "counting", last=ENDLESS)
    child = worker.start()
    children.append(child)
    worker.until_stored(child)
    done = worker.another(tmp_path / "b").call("offsets", words[0], worker.name, *words[1:])
    assert done.returncode == 0, done.stderr
    assert child.wait(SECONDS) == 4
    assert "(fenced.claim)" in worker.said()
    offsets = worker.offsets()
    if words[0] == "reset":
        assert offsets == {}
    else:
        assert offsets[0] == {"n": 2}
        assert offsets[1]["n"] == worker.numbers()[1][-1]


SHORT = {"transaction.timeout.ms": 10_000, "kafka": {"delivery.timeout.ms": 8_000}}


def test_a_worker_that_slept_past_its_transaction_s_time_goes_on(
    tmp_path: Path, kafka: str, children: Children
) -> None:
    """Nobody took over, so it is no reason to yield: the error alone would not tell."""
    worker = KafkaWorker(tmp_path, kafka, "counting", last=3000, settings=SHORT)
    child = worker.start_frozen("commit:3")
    children.append(child)
    until(lambda: oracle.open_transactions(kafka, worker.topic) == {})
    assert worker.thaw(child) == 0, worker.said()
    assert worker.tried_in_vain
    worker.check(partitions=3, at_least=3000)
