"""What is shown while connectors run, and what is said of them at the end."""

from __future__ import annotations

import io
import json
import logging
from dataclasses import asdict
from typing import Any

import pytest
from rich.console import Console

from connectors_core.cli import plain, summary
from connectors_core.cli.live import LiveView, picture
from connectors_core.cli.progress import Meter, freshness, gap, worst_first
from connectors_core.cli.status import _row
from connectors_core.herder.model import ConnectorStatus, Failure, State, Summary


def status(name: str = "lines", state: State = State.RUNNING, **more: Any) -> ConnectorStatus:
    return ConnectorStatus(name, "file-lines", state, **more)


def failed(name: str = "bad", text: str = "refused") -> ConnectorStatus:
    return status(name, State.FAILED, failure=Failure("data", "data", text))


def drawn(renderable: Any, width: int = 120) -> str:
    stream = io.StringIO()
    Console(file=stream, width=width, color_system=None).print(renderable)
    return stream.getvalue()


def test_the_rate_is_that_of_the_last_seconds() -> None:
    meter = Meter()
    rates = [meter.lines([status(records=n * 100)], float(n))[0].rate for n in range(20)]
    assert rates[0] is None
    assert rates[-1] == 100
    assert [meter.lines([status(records=1900)], 20.0 + n)[0].rate for n in range(7)][-1] == 0


def test_the_worst_come_first() -> None:
    found = [
        status("done", State.COMPLETED),
        status("slow", idle_seconds=90.0),
        status("quick", idle_seconds=0.1),
        failed(),
        status("again", State.RESTARTING),
    ]
    names = [each.name for each in worst_first(found)]
    assert names == ["bad", "again", "slow", "quick", "done"]


@pytest.mark.parametrize(
    ("more", "shown"),
    [
        ({}, "-"),
        ({"idle_seconds": 0.4}, "now"),
        ({"idle_seconds": 12.0}, "12 s ago"),
        ({"facts": {"{}": {"lag": 1000}, '{"n":1}': {"lag": 7}}, "idle_seconds": 1.0}, "lag 1,007"),
        ({"facts": {"{}": {"open": 3}}, "idle_seconds": 3.0}, "3 s ago"),
    ],
)
def test_lag_goes_before_freshness(more: dict[str, Any], shown: Any) -> None:
    assert freshness(status(**more)) == shown


GAP = {'{"p":1}': {"gap": "", "lag": 1}, '{"p":2}': {"gap": "after byte 8"}}


def test_a_gap_stands_where_nothing_worse_is_to_be_told() -> None:
    found = [status(facts=GAP), status("bad", State.FAILED, failure=failed().failure, facts=GAP)]
    bad, lines = drawn(picture(Meter().lines(found, 0.0), 30)).splitlines()[1:]
    assert lines.endswith("gap: after byte 8")
    assert "gap" not in bad


def test_status_tells_a_gap_as_well() -> None:
    assert _row(asdict(status(facts=GAP)))[-1] == "gap: after byte 8"
    assert _row(asdict(status(facts=GAP, note="the store is away")))[-1] == "the store is away"


def test_gaps_of_several_partitions_are_counted() -> None:
    assert gap({str(n): {"gap": f"from {n}"} for n in range(3)}) == "gap: from 2, and 2 more"
    assert gap({"{}": {"lag": 3}}) == ""


def test_plain_output_tells_a_gap_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    show = plain.PlainView()
    for _ in range(3):
        show([status(facts=GAP)])
    told = [record for record in caplog.records if record.message == "source tells a gap"]
    assert [(each.levelname, each.gap) for each in told] == [("WARNING", "gap: after byte 8")]


def test_a_thousand_connectors_are_the_worst_rows_and_a_count() -> None:
    lines = Meter().lines([*(status(f"c{n}") for n in range(999)), failed()], 0.0)
    text = drawn(picture(lines, 30))
    rows = text.splitlines()
    assert len(rows) == 32
    assert rows[1].startswith("bad")
    assert "970 more" in rows[-1]


def test_hostile_text_does_not_reach_the_terminal() -> None:
    lines = Meter().lines([failed("[red]x\x1b[2J", "a\nb\x9b\u202e[/]")], 0.0)
    text = drawn(picture(lines, 30))
    assert "[red]x\\x1b[2J" in text
    assert len(text.splitlines()) == 2
    assert not set(text) & set("\x1b\x9b\u202e")


def test_the_live_table_is_drawn_when_shown() -> None:
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=100, height=20)
    with LiveView(console) as show:
        show([status("prices", records=12345)])
        assert "12,345" in stream.getvalue()


def test_plain_output_tells_every_change_of_state_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    show = plain.PlainView()
    for found in (status(), status(records=5), failed("lines"), failed("lines")):
        show([found])
    told = [(record.message, record.state) for record in caplog.records]
    assert told == [("state", "RUNNING"), ("state", "FAILED")]
    assert caplog.records[-1].error == "refused"


def test_plain_output_tells_of_those_that_moved(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plain, "EVERY_SECONDS", 0.0)
    show = plain.PlainView()
    caplog.set_level(logging.INFO)
    many = [status(f"c{n}", records=n) for n in range(1000)]
    show(many)
    events = [record.message for record in caplog.records]
    assert (events.count("state"), events.count("progress")) == (1000, 30)
    assert caplog.records[-1].connectors == 969
    caplog.clear()
    show([*many[:-1], status("c999", records=1000)])
    assert [(record.message, record.connector) for record in caplog.records] == [
        ("progress", "c999")
    ]


@pytest.mark.parametrize(
    ("states", "bounded", "unbounded"),
    [
        ([State.COMPLETED, State.COMPLETED], 0, 0),
        ([State.COMPLETED, State.FAILED], 1, 1),
        ([State.FAILED], 1, 1),
        ([State.STOPPED, State.FAILED], 1, 0),
        ([State.STOPPED], 0, 0),
        ([], 0, 0),
    ],
)
def test_the_exit_code_follows_what_the_run_was_for(
    states: list[State], bounded: int, unbounded: int
) -> None:
    found = Summary([status(str(n), state) for n, state in enumerate(states)], 0, 0, 0.0)
    assert summary.exit_code(found, bounded=True) == bounded
    assert summary.exit_code(found, bounded=False) == unbounded


@pytest.mark.parametrize(("code", "said"), [("fenced.claim", 4), ("source", 1)])
def test_a_connector_that_was_taken_over_has_an_exit_code_of_its_own(code: str, said: int) -> None:
    """Or a service manager would start the worker again, which would take the connector back."""
    failed = [
        status("a", State.FAILED, failure=Failure("source", "source", "x")),
        status("b", State.FAILED, failure=Failure(code, code, "x")),
    ]
    assert summary.exit_code(Summary(failed, 0, 0, 0.0), bounded=False) == said


def test_the_summary_object_has_what_is_documented() -> None:
    one = status(records=3, bytes=99, errors=1, restarts=2, offsets={'{"path":"a"}': '{"byte":9}'})
    found = summary.as_map(Summary([one], 3, 99, 1.5))
    assert json.loads(json.dumps(found)) == {
        "connectors": [
            {
                "name": "lines",
                "state": "RUNNING",
                "records": 3,
                "bytes": 99,
                "offsets": [{"partition": {"path": "a"}, "offset": {"byte": 9}}],
                "errors": 1,
                "rejected": 0,
                "filtered": 0,
                "restarts": 2,
            }
        ],
        "totals": {"records": 3, "bytes": 99, "seconds": 1.5},
    }


def test_the_summary_for_people_has_totals_even_if_nothing_happened(
    capsys: pytest.CaptureFixture[str],
) -> None:
    summary.print_summary(Summary([], 0, 0, 0.0))
    summary.print_summary(Summary([status(records=1500, bytes=2048)], 1500, 2048, 3.0))
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == "0 records, 0 B in 0.0 s"
    assert lines[-1] == "1,500 records, 2.0 KiB in 3.0 s, 500 records/s"
