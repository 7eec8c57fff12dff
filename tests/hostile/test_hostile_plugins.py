"""A plugin may do what it likes: its own task fails with the reason, and the neighbours go on."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from hostile_plugin import ITEMS, KINDS
from hostile_site import Site, a_site, failures, summary, until  # noqa: F401

GOOD = {"count": 300, "pause": 0.001}
OURS = {"exit", "interrupt", "cancelled", "generator-exit", "base", "base-group"}
"""What only a process or a loop may raise: it is made the plugin's own error."""


def good_neighbour(site: Site, found: dict[str, Any]) -> None:
    assert (found["good"]["state"], found["good"]["records"]) == ("COMPLETED", 300)
    assert site.values("good") == [{"n": n} for n in range(1, 301)]


@pytest.mark.parametrize("source", ["raises", "plain-raises"])
def test_every_kind_of_exception_everywhere_fails_one_connector(site: Site, source: str) -> None:
    places = ["init", "partitions", "open", "read", "item", "committed", "close"]
    places.append("merge" if source == "raises" else "lazily")
    files = [site.connector("good", "counts", **GOOD)]
    files += [
        site.connector(f"{place}-{kind}", source, how=kind, where=place)
        for place in places
        for kind in KINDS
    ]
    done = site.run(*files)
    assert done.returncode == 1
    found, told = summary(done.stdout), failures(done.stderr)
    good_neighbour(site, found)
    records = {"item": 3, "merge": 4, "close": 3}
    for place in places:
        for kind in KINDS:
            name = f"{place}-{kind}"
            state = "COMPLETED" if place == "close" else "FAILED"
            assert found[name]["state"] == state, (name, found[name])
            assert place == "close" or told[name][0], name
            if place != "close" and kind in OURS:
                assert told[name][1] in ("source.raised", "source.cancelled"), (name, told[name])
            if place != "committed":
                assert found[name]["records"] == records.get(place, 0), (name, found[name])


CODES = {
    "item-none": "source.item", "item-dict": "source.item", "item-subclass": "source.item",
    "item-partition": "source.item", "item-topic": "source.topic",
    "item-topic-list": "data.transform", "item-headers": "data.headers",
    "item-timestamp": "data.timestamp", "item-too-large": "data.too-large",
    "open-unit": "source.open-unit", "batch-state": "source.batch",
    "batch-state-value": "source.state", "reject": "data.rejected",
}  # fmt: skip


def code_of(how: str) -> str:
    group = {"offset": "source.offset", "batch": "source.batch", "reject": "source.item"}
    return CODES.get(how) or group[how.split("-", maxsplit=1)[0]]


@pytest.mark.parametrize("source", ["gives", "plain-gives"])
def test_garbage_is_refused_by_name_and_what_came_before_is_kept(site: Site, source: str) -> None:
    files = [site.connector("good", "counts", **GOOD)]
    files += [site.connector(how, source, how=how) for how in ITEMS]
    done = site.run(*files)
    found, told = summary(done.stdout), failures(done.stderr)
    good_neighbour(site, found)
    # Offsets are opaque: only a source can say what is behind what.
    assert found.pop("offset-back")["state"] == "COMPLETED"
    assert site.offset("offset-back") == {"n": 0}
    for how in ITEMS.keys() - {"offset-back"}:
        assert found[how]["state"] == "FAILED", how
        assert told[how][1] == code_of(how), (how, told[how])
        # An offset that is not JSON is seen when the commit is written; nothing of it is stored.
        assert found[how]["records"] <= 2
        assert found[how]["restarts"] == 0, "a restart does not mend the plugin"


def test_what_is_no_generator_or_no_partition_is_refused_by_name(site: Site) -> None:
    reads = ["none", "number", "list", "coroutine"]
    partitions = ["none", "number", "texts", "same", "nested"]
    alls = ["none", "unknown", "garbage"]
    files = [site.connector("good", "counts", **GOOD)]
    files += [site.connector(f"read-{how}", "returns", how=how) for how in reads]
    files += [
        site.connector(f"partitions-{how}", "returns", how=how, where="partitions")
        for how in partitions
    ]
    files += [site.connector(f"all-{how}", "reads-all", how=how) for how in alls]
    done = site.run(*files)
    told = failures(done.stderr)
    good_neighbour(site, summary(done.stdout))
    assert {told[f"read-{how}"][1] for how in reads} == {"source.read"}
    assert {told[f"partitions-{how}"][1] for how in partitions} <= {
        "source.partitions",
        "source.partition",
    }
    assert {told[f"all-{how}"][1] for how in alls} <= {"source.item", "source.partition"}


def test_a_yield_in_a_scope_is_named_while_a_commit_is_under_way(site: Site) -> None:
    slow = {"commit__linger__ms": 300, "read__ahead__bytes": 4096}
    files = [site.connector("good", "counts", **GOOD)]
    files += [site.connector(how, "scopes", how=how, **slow) for how in ("timeout", "group")]
    done = site.run(*files)
    found, told = summary(done.stdout), failures(done.stderr)
    good_neighbour(site, found)
    for how in ("timeout", "group"):
        assert told[how][1] == "source.yield-in-scope"
        assert "hostile_plugin.py:" in told[how][0]
        numbers = [value["n"] for value in site.values(how)]
        assert numbers == list(range(1, len(numbers) + 1))
        assert site.offset(how) == {"n": len(numbers)}


def test_prints_threads_leaks_and_recursion_hurt_nobody(site: Site) -> None:
    odd = ["prints", "exits-in-thread", "leaks-task", "exits-in-task", "recurses"]
    files = [site.connector("good", "counts", **GOOD)]
    files += [site.connector(how, "odd", how=how) for how in odd]
    done = site.run(*files)
    found = summary(done.stdout)
    good_neighbour(site, found)
    assert len(done.stdout.splitlines()) == 1, "what a plugin prints is no data"
    assert "no end of line" in done.stderr
    assert found.pop("recurses")["state"] == "FAILED"
    assert {each["state"] for each in found.values()} == {"COMPLETED"}


@pytest.mark.parametrize("text", ["raise SystemExit(5)", "import nowhere", "def (", "1/0"])
def test_a_plugin_file_that_can_not_be_imported_is_named_only_if_it_is_needed(
    site: Site, text: str
) -> None:
    (site.folder / "bad.py").write_text(text)
    beside = site.run(site.connector("good", "counts"), "--plugin", "bad.py")
    assert beside.returncode == 0, beside.stderr
    needed = site.call("run", "good.yaml", "--plugin", "bad.py")
    assert needed.returncode == 2
    assert "bad.py" in needed.stderr
    assert "Traceback" not in needed.stderr


def test_a_transform_changes_each_record_once(site: Site) -> None:
    """The first records are looked at for their schema before they are stored."""
    steps = [{"more": {"type": "in-place"}}]
    files = [
        site.connector(name, source, count=150, transforms=steps)
        for name, source in (("a", "counts"), ("b", "plain-counts"))
    ]
    done = site.run(*files)
    assert done.returncode == 0, done.stderr
    for name in ("a", "b"):
        assert [value["n"] for value in site.values(name)] == list(range(1001, 1151))


def test_whatever_a_transform_raises_is_not_taken_for_something_else(site: Site) -> None:
    files = [
        site.connector(
            kind,
            "counts",
            count=50,
            transforms=[{"bad": {"type": "sleepy", "at": 9, "raises": kind}}],
        )
        for kind in KINDS
    ]
    done = site.run(*files)
    told = failures(done.stderr)
    for kind in KINDS:
        assert told[kind][1] == ("source.raised" if kind in OURS else "data.transform"), told[kind]
        assert [value["n"] for value in site.values(kind)] == list(range(1, 9))


@pytest.mark.timeout(240)
def test_ten_thousand_partitions_are_read_to_their_end(site: Site) -> None:
    file = site.connector(
        "many", "counts", count=2, partitions=10_000, tasks__max=10, value__converter="json"
    )
    done = site.run(file, timeout=200)
    assert done.returncode == 0, done.stderr[-2000:]
    assert summary(done.stdout)["many"]["records"] == 20_000


@pytest.mark.parametrize("how", ["fails", "ends"])
def test_a_pause_that_comes_amid_the_end_is_void(site: Site, how: str) -> None:
    mark = site.folder / "mark"
    site.connector("good", "counts", count=-1, pause=0.01)
    site.connector("late", "fails-to-close", how=how)
    child = site.start("good.yaml", "late.yaml", env={**os.environ, "HOSTILE_MARK": str(mark)})
    until(mark.exists, bool)
    assert site.call("pause", "late").returncode == 0
    state = "FAILED" if how == "fails" else "COMPLETED"
    found = site.until(lambda all_: all_["late"]["state"] not in ("RUNNING", "RESTARTING"))
    assert found["late"]["state"] == state
    assert "supervision" not in str(found["late"])
    mark.unlink()
    assert site.call("restart", "late").returncode == 0
    until(mark.exists, bool)
    child.terminate()
    _, errors = child.communicate(timeout=30)
    assert "supervision failed" not in errors


@pytest.mark.chaos
@pytest.mark.slow
@pytest.mark.timeout(420)
def test_who_blocks_the_loop_fails_and_the_neighbours_go_on(site: Site) -> None:
    places = ["open", "partitions", "read", "merge", "callback"]
    files = [site.connector("good", "counts", count=-1, pause=0.01)]
    files += [site.connector(place, "blocks", where=place) for place in places]
    files += [
        site.connector("transform", "counts", transforms=[{"s": {"type": "sleepy", "at": 5}}])
    ]
    files += [
        site.connector(
            "plain-transform",
            "plain-counts",
            count=-1,
            pause=0.01,
            transforms=[{"s": {"type": "sleepy", "at": 5}}],
        )
    ]
    child = site.start(*files)
    # A plain generator has a thread: it holds up nobody but itself.
    found = site.until(
        lambda all_: (
            all_["plain-transform"]["state"] == "RUNNING"
            and sum(each["state"] == "FAILED" for each in all_.values()) >= len(places) + 1
        ),
        seconds=180,
    )
    for name in [*places, "transform"]:
        assert found[name]["failure"]["code"] == "source.blocks-the-loop", found[name]
    count = found["good"]["records"]
    site.until(lambda all_: all_["good"]["records"] > count + 100)
    child.terminate()
    _, errors = child.communicate(timeout=60)
    assert child.returncode == 0, errors
    numbers = [value["n"] for value in site.values("good")]
    assert numbers == list(range(1, len(numbers) + 1))
    for place in ("read", "merge", "callback"):
        assert [value["n"] for value in site.values(place)] == list(range(1, 301))
