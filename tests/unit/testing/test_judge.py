from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from connectors_core.api.config import Config
from connectors_core.api.errors import ConfigError
from connectors_core.api.record import Record
from connectors_core.api.source import Source
from connectors_core.testing.contract import SourceContract
from connectors_core.testing.judge import Court, Verdict, first_failure
from connectors_core.testing.law import Broken, Law, NotApplicable, law
from connectors_core.testing.laws import BY_NAME, LAWS
from connectors_core.testing.trial import Trial

pytest_plugins = ["pytester"]


class Empty(Source[Config]):
    name = "empty"

    async def read(self, partition: Any, offset: Any) -> Any:
        yield Record(1, offset={"n": 1})


class Nothing:
    async def __aenter__(self) -> Nothing:
        return self

    async def __aexit__(self, *_: object) -> None:
        return None

    def config(self) -> dict[str, Any]:
        return {}


class Contract(SourceContract):
    source = Empty
    upstream = Nothing
    capabilities = {"bounded"}


def named(name: str, judge: Callable[[Trial], Awaitable[None]], **options: Any) -> Law:
    judge.__name__ = name  # type: ignore[attr-defined]
    return law(**options)(judge)


async def kept(trial: Trial) -> None:
    """It holds."""


async def broken(trial: Trial) -> None:
    """It does not."""
    raise Broken("here")


def verdicts(*laws: Law, level: str = "full", contract: type[SourceContract] = Contract) -> Any:
    court = Court(contract.declaration(), level)
    return [(each.law, each.outcome, each.reason) for each in court.all(laws)]


def test_laws_that_rest_on_a_broken_one_are_not_judged() -> None:
    first = named("first", broken)
    second = named("second", kept, rests_on=("first",))
    third = named("third", kept, rests_on=("second",))
    fourth = named("fourth", kept)
    assert verdicts(first, second, third, fourth) == [
        ("first", "failed", "here"),
        ("second", "not judged", "it rests on first, which is failed"),
        ("third", "not judged", "it rests on second, which is not judged"),
        ("fourth", "passed", ""),
    ]


def test_the_first_failure_names_the_fault() -> None:
    found = {
        "a": Verdict("a", "passed"),
        "b": Verdict("b", "failed"),
        "c": Verdict("c", "failed"),
    }
    assert first_failure(found) is found["b"]
    assert first_failure({"a": Verdict("a", "passed")}) is None


def test_a_law_of_a_higher_level_is_skipped() -> None:
    [(_, outcome, reason)] = verdicts(named("late", broken, level="crash"), level="full")
    assert (outcome, reason) == ("skipped", "it is of the level crash")


def test_a_law_that_needs_more_than_is_declared_is_skipped() -> None:
    [(_, outcome, reason)] = verdicts(named("more", broken, needs={"splits", "ordered"}))
    assert (outcome, reason) == ("skipped", "the source is not declared ordered, splits")


def test_a_law_that_has_nothing_to_look_at_is_skipped() -> None:
    async def nothing(trial: Trial) -> None:
        raise NotApplicable("there is none")

    assert verdicts(named("none", nothing)) == [("none", "skipped", "there is none")]


def test_a_law_that_raises_anything_is_broken_and_says_where() -> None:
    async def wrong(trial: Trial) -> None:
        raise KeyError("seq")

    [(_, outcome, reason)] = verdicts(named("wrong", wrong))
    assert outcome == "failed"
    assert "KeyError: 'seq'" in reason
    assert "in wrong" in reason


@pytest.mark.parametrize("how", ["waiting", "blocking"])
def test_a_law_that_is_over_its_time_fails_with_its_name_and_place(how: str) -> None:
    over = threading.Event()

    async def long(trial: Trial) -> None:
        if how == "waiting":
            await asyncio.sleep(3600)
        over.wait(1.5)

    began = time.monotonic()
    [(name, outcome, reason)] = verdicts(named("long", long, seconds=0.2))
    over.set()
    assert time.monotonic() - began < 30
    assert (name, outcome) == ("long", "failed")
    assert "not done in its 0.2 s" in reason
    assert "over.wait(1.5)" in reason or how == "waiting"


def test_a_waived_law_is_told_with_its_reason() -> None:
    class Waiving(Contract):
        waive = {"offsets_move": "they stand still by night"}

    court = Court(Waiving.declaration(), "full")
    [law] = [each for each in LAWS if each.name == "offsets_move"]
    assert court.one(law).outcome == "waived"
    assert court.one(law).reason == "they stand still by night"


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ({"source": 5}, "Wrong.source: must be a source class, got 5."),
        ({"upstream": None}, "Wrong.upstream: must be a class of upstreams"),
        ({"upstream": dict}, "Wrong.upstream: dict has no __aenter__."),
        ({"capabilities": {"replayble"}}, "unknown: 'replayble'. Did you mean replayable?"),
        ({"capabilities": {"live_only", "replayable"}}, "live_only or replayable, not both"),
        ({"capabilities": {"replayable"}}, "Give Nothing an expected(), or declare one of them."),
        ({"waive": {"offsets_mov": "x"}}, "unknown: 'offsets_mov'. Did you mean offsets_move?"),
        ({"waive": {"offsets_move": " "}}, "Wrong.waive: offsets_move needs a reason."),
    ],
)
def test_a_mistake_in_a_contract_is_told_with_its_cure(names: dict[str, Any], said: str) -> None:
    wrong = type("Wrong", (Contract,), names)
    with pytest.raises(ConfigError) as caught:
        wrong.declaration()
    assert said in str(caught.value)


class Endless(Source[Config]):
    """Its offsets are one too far: a resume skips a record, and then waits for it for ever."""

    name = "endless"

    async def read(self, partition: Any, offset: Any) -> Any:
        for n in range(offset["n"] + 1 if offset else 1, 4):
            yield Record({"n": n}, offset={"n": n + 1})
        await asyncio.Event().wait()


class Three(Nothing):
    def expected(self) -> list[Any]:
        return [{"n": n} for n in range(1, 4)]


class EndlessContract(SourceContract):
    source = Endless
    upstream = Three
    capabilities = {"replayable", "ordered"}


@pytest.mark.slow
def test_what_an_endless_source_skips_at_a_resume_is_named() -> None:
    court = Court(EndlessContract.declaration(), "full")
    verdict = court.one(BY_NAME["resumes_from_every_offset"])
    assert verdict.outcome == "failed"
    assert "resumed after unit 1, offset {'n': 2}" in verdict.reason
    assert '1 lost, as {"n": 2}' in verdict.reason


CONTRACT = """
from connectors_core import Config, Record, Source
from connectors_core.testing import SourceContract

class Numbers(Source[Config]):
    name = "numbers"

    async def read(self, partition, offset):
        for n in range(offset["n"] + 1 if offset else 1, 4):
            yield Record({"n": n}, offset={"n": n + SHIFT})

class Upstream:
    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        return None

    def config(self):
        return {}

    def expected(self):
        return [{"n": n} for n in range(1, 4)]

class TestNumbers(SourceContract):
    source = Numbers
    upstream = Upstream
    capabilities = {"replayable", "ordered", "bounded"}
"""


@pytest.mark.slow
@pytest.mark.parametrize(("shift", "failed"), [("0", []), ("1", ["resumes_from_every_offset"])])
def test_under_pytest_every_law_is_a_test_in_its_order(
    pytester: pytest.Pytester, shift: str, failed: list[str]
) -> None:
    pytester.makepyfile(test_numbers=CONTRACT.replace("SHIFT", shift))
    result = pytester.runpytest_subprocess("-v", "-p", "randomly")
    result.stdout.fnmatch_lines(["pyconnect: contract 1, level full"])
    lines = [line for line in result.outlines if "::test_" in line and "%" in line]
    assert [line.split("::test_")[1].split()[0] for line in lines] == [each.name for each in LAWS]
    assert [line.split("::test_")[1].split()[0] for line in lines if " FAILED" in line] == failed


@pytest.mark.slow
def test_the_level_is_an_option_of_pytest(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_numbers=CONTRACT.replace("SHIFT", "0"))
    result = pytester.runpytest_subprocess("-rs", "--contract-level=basic")
    result.stdout.fnmatch_lines(["*contract 1, level basic", "*contract: it is of the level full"])
    assert result.ret == 0
