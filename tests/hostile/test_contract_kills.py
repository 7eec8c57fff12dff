"""The law of the kills itself, on the embedded log: what it must see, and what it must let pass."""

from __future__ import annotations

import asyncio

import pytest

from connectors_core.testing import SourceContract
from connectors_core.testing.judge import Court, Verdict
from connectors_core.testing.kills.job import Job
from connectors_core.testing.kills.nursery import Nursery
from connectors_core.testing.kills.plot import Plot
from connectors_core.testing.laws import BY_NAME
from connectors_core.testing.trial import Trial
from tests.hostile import kill_mutants

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
LAW = BY_NAME["survives_a_kill_at_every_point"]


def judged(contract: type[SourceContract], part: int, parts: int) -> Verdict:
    return Court(contract.declaration(), "crash", (part, parts)).one(LAW)


def test_a_part_without_kills_is_no_part_that_was_passed() -> None:
    verdict = judged(kill_mutants.LawfulContract, 1000, 1000)
    assert verdict.outcome == "skipped"
    assert verdict.reason.startswith("no kill is in part 1000 of 1000: there are 2")


def test_the_parts_together_are_all_kills() -> None:
    made = [judged(kill_mutants.LawfulContract, part, 90) for part in (1, 2)]
    assert [each.outcome for each in made] == ["passed", "passed"]
    assert sum(int(each.reason.split()[0]) for each in made) >= 4


def test_a_dead_letter_that_comes_again_is_seen() -> None:
    verdict = judged(kill_mutants.RejectsAgainContract, 1, 2)
    assert verdict.outcome == "failed"
    assert verdict.reason.startswith("killed at ")
    assert "dead letters, not 3" in verdict.reason


def test_a_source_without_an_end_may_reject() -> None:
    """Its run ends when all records are stored: dead letters are none of them."""
    verdict = judged(kill_mutants.RejectsWithinUnitsContract, 1, 20)
    assert verdict.outcome == "passed", verdict.reason


def test_a_fault_of_the_kafka_store_is_not_shown_by_the_embedded_log() -> None:
    """Beside `test_contract_crash_kafka.py`, which shows it there."""
    verdict = judged(kill_mutants.OffsetsOutsideContract, 1, 10)
    assert verdict.outcome == "passed", verdict.reason


async def test_what_is_given_at_once_is_committed_in_parts(tmp_path: object) -> None:
    """Or there would be one commit, and no boundary between two."""
    trial = Trial(kill_mutants.AtOnceContract.declaration())
    async with trial.upstream() as far, Nursery(trial.home) as nursery:
        job = Job("run", Plot(f"{tmp_path}/data"), trial.options(far), crash="count")
        done = await nursery.do(job)
    assert done.code == 0, done.text
    assert done.found["commit"] >= 4


async def test_an_answer_of_a_child_may_be_long(tmp_path: object) -> None:
    trial = Trial(kill_mutants.WideContract.declaration())
    async with trial.upstream() as far, Nursery(trial.home) as nursery:
        job = Job("schemas", Plot(f"{tmp_path}/data"), trial.options(far))
        done = await nursery.do(job)
        assert done.code == 0, done.text
        assert sum(map(len, done.found.values())) > 1 << 17
        assert (await nursery.do(job)).found == done.found


async def test_a_nursery_ends_amid_a_long_answer(tmp_path: object) -> None:
    """The pipe is full then, and nobody is going to read it."""
    trial = Trial(kill_mutants.WideContract.declaration())
    async with asyncio.timeout(60), trial.upstream() as far, Nursery(trial.home) as nursery:
        job = Job("schemas", Plot(f"{tmp_path}/data"), trial.options(far))
        stdin, stdout = nursery._process.stdin, nursery._process.stdout
        assert stdin is not None and stdout is not None
        stdin.write(job.written())
        while len(stdout._buffer) < 1 << 17:  # type: ignore[attr-defined]
            await asyncio.sleep(0.01)
