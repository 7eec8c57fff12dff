"""The contract itself: who keeps it passes, and of who breaks a law, that law is the first to say so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from connectors_core.testing import FileUpstream, SourceContract
from connectors_core.testing.golden import written
from connectors_core.testing.judge import Court, first_failure
from connectors_core.testing.laws import BY_NAME, LAWS
from pyconnect_file_lines.source import FileLines
from tests.hostile.lawful import Items, Lawful, Paced
from tests.hostile.lawful_kinds import Plain, ReportsGaps, TellsGaps, Together, TogetherItems
from tests.hostile.lawful_streams import EventItems, Listening, SpokenItems, Talking
from tests.hostile.mutants import KEPT, MUTANTS, Following, OneShard, Pruning

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]
OFFSETS = Path(__file__).parent / "offsets"
CAPABILITIES = {"replayable", "ordered", "splits"}


def contract(name: str, source: type[Lawful], upstream: type[Items]) -> type[SourceContract]:
    """Return a contract that child processes find here by its name."""
    more = set() if upstream.follow else {"bounded"}
    more |= {"prunes_on_ack"} if upstream.prunes else set()
    more |= {"paced"} if issubclass(source, Paced) else set()
    names = {
        "source": source,
        "upstream": upstream,
        "capabilities": CAPABILITIES | more,
        "offsets": None if upstream in (OneShard, Pruning) else OFFSETS,
    }
    made = type(name, (SourceContract,), {**names, "__module__": __name__})
    globals()[name] = made
    return made


CONTRACTS = {
    name: contract(f"Contract{number}", *pair)
    for number, (name, pair) in enumerate(MUTANTS.items())
}


class TestLawful(SourceContract):
    source = Lawful
    offsets = OFFSETS
    upstream = Items
    capabilities = CAPABILITIES | {"bounded"}


class TestPruning(TestLawful):
    upstream = Pruning
    capabilities = CAPABILITIES | {"bounded", "prunes_on_ack"}


class TestFollowing(TestLawful):
    upstream = Following
    capabilities = CAPABILITIES


class TestPaced(TestLawful):
    source = Paced
    capabilities = CAPABILITIES | {"bounded", "paced"}


class TestPlain(TestLawful):
    source = Plain
    offsets = None


class TestTogether(SourceContract):
    source = Together
    upstream = TogetherItems
    capabilities = CAPABILITIES | {"bounded"}


class TestListening(TestLawful):
    source = Listening
    upstream = EventItems
    offsets = None


class TestTalking(TestLawful):
    source = Talking
    upstream = SpokenItems
    offsets = None


class Log(FileUpstream):
    """A file of twenty lines of JSON."""

    def __init__(self) -> None:
        super().__init__(json.dumps({"n": n, "text": f"line {n}"}) for n in range(20))

    def config(self) -> dict[str, Any]:
        return {"path": str(self.path), "follow": False, "format": "json"}

    def expected(self) -> list[Any]:
        return [json.loads(line) for line in self.lines]


class TestFile(SourceContract):
    source = FileLines
    upstream = Log
    capabilities = {"replayable", "ordered", "bounded"}


@pytest.mark.parametrize(
    ("source", "how"),
    [
        (Lawful, "it raises OffsetError"),
        (TellsGaps, "it tells the gap in a record"),
        (ReportsGaps, "it tells the gap in a report"),
    ],
)
def test_what_is_pruned_is_told_in_one_of_three_ways(source: type[Lawful], how: str) -> None:
    declaration = contract("Telling", source, Items).declaration()
    court = Court(declaration, "full")
    for name in ("reads_everything", "resumes_from_every_offset"):
        assert court.one(BY_NAME[name]).outcome == "passed", court.verdicts
    verdict = court.one(BY_NAME["a_pruned_offset_is_told"])
    assert (verdict.outcome, verdict.reason) == ("passed", how)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("cls", [TestPlain, TestTogether], ids=lambda cls: cls.__name__)
def test_sources_of_the_other_kinds_survive_every_kill(cls: type[SourceContract]) -> None:
    court = Court(cls.declaration(), "crash", (1, 4))
    verdict = court.one(BY_NAME["survives_a_kill_at_every_point"])
    assert verdict.outcome == "passed", verdict.reason


def test_golden_offsets_are_held_to_nothing_that_was_read_before_them(tmp_path: Path) -> None:
    """Of a source with rejects, some of which came before."""
    cls = type("Golden", (TestTogether,), {"offsets": tmp_path})
    golden = Court(cls.declaration(), "full").golden("1.0.0")
    (tmp_path / "1.0.0.json").write_text(written(golden))
    court = Court(cls.declaration(), "full")
    court.one(BY_NAME["reads_everything"])
    assert court.one(BY_NAME["accepts_older_offsets"]).outcome == "passed", court.verdicts


@pytest.mark.leaves_threads("a mutant that leaks one")
@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", MUTANTS)
def test_the_law_that_a_mutant_breaks_is_the_first_to_say_so(name: str) -> None:
    court = Court(CONTRACTS[name].declaration(), "crash")
    for law in LAWS:
        if court.one(law).outcome == "failed":
            break
    KEPT.clear()
    failed = first_failure(court.verdicts)
    assert failed is not None, "no law failed"
    assert failed.law == name.rpartition("-")[2], f"{failed.law}: {failed.reason}"


def test_every_law_has_a_mutant() -> None:
    assert {name.rpartition("-")[2] for name in MUTANTS} == set(BY_NAME)
