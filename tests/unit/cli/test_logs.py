"""Logging: one event a line, with its place, and nothing that forges another line."""

from __future__ import annotations

import io
import json
import logging
import sys
from collections.abc import Iterator

import pytest

from connectors_core.api.errors import StoreError
from connectors_core.cli import logs


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    """Restore the root logger afterwards."""
    root, chatty = logging.getLogger(), [logging.getLogger(name) for name in logs._CHATTY]
    before = (root.level, root.handlers[:], [logger.level for logger in chatty])
    yield
    logging.captureWarnings(False)
    root.setLevel(before[0])
    root.handlers[:] = before[1]
    for logger, level in zip(chatty, before[2], strict=True):
        logger.setLevel(level)


def raised(error: Exception) -> None:
    raise error


def test_json_lines_have_time_level_logger_event_place_and_fields(
    capsys: pytest.CaptureFixture[str],
) -> None:
    logs.set_up("info", "json")
    place = {"records": 5, "partition": '{"n":1}', "task": 0, "connector": "lines"}
    logging.getLogger("connectors_core.x").info("committed %d", 5, extra=place)
    line = json.loads(capsys.readouterr().err)
    assert list(line) == [
        "time", "level", "logger", "event", "connector", "task", "partition", "records",
    ]  # fmt: skip
    assert (line["level"], line["event"], line["connector"]) == ("info", "committed 5", "lines")
    assert line["time"].endswith("Z")


def test_a_field_cannot_replace_what_every_line_has(capsys: pytest.CaptureFixture[str]) -> None:
    logs.set_up("info", "json")
    logging.getLogger("x").info("real", extra={"event": "forged", "level": "debug"})
    line = json.loads(capsys.readouterr().err)
    assert (line["event"], line["level"]) == ("real", "info")


@pytest.mark.parametrize("style", ["json", "console"])
def test_hostile_text_stays_within_one_line(capsys: pytest.CaptureFixture[str], style: str) -> None:
    logs.set_up("info", style)
    evil = "a\r\n2026-01-01 INFO forged\x1b[2J\u2028\u202e"
    logging.getLogger("x").info(evil, extra={"connector": evil})
    output = capsys.readouterr().err
    assert len(output.splitlines()) == 1
    assert not set(output[:-1]) & set("\r\n\x1b\u2028\u202e")


def test_a_value_cannot_pass_for_another_field(capsys: pytest.CaptureFixture[str]) -> None:
    logs.set_up("info", "console")
    logging.getLogger("x").info("e", extra={"connector": 'a"task=1'})
    assert capsys.readouterr().err.rstrip().endswith('e  connector="a\\"task=1"')


def test_a_traceback_is_indented_and_an_error_of_ours_has_none(
    capsys: pytest.CaptureFixture[str],
) -> None:
    logs.set_up("info", "console")
    for error in (ValueError("first\nsecond"), StoreError("no room", place="log.db")):
        try:
            raised(error)
        except Exception:
            logging.getLogger("x").exception("failed")
    lines = capsys.readouterr().err.splitlines()
    assert [line for line in lines if not line.startswith("    ")] == [lines[0], lines[-1]]
    assert lines[-1].endswith('failed  error="log.db: no room"')


def test_a_json_line_holds_its_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    logs.set_up("info", "json")
    try:
        raised(ValueError("boom"))
    except ValueError:
        logging.getLogger("x").exception("failed")
    assert "ValueError: boom" in json.loads(capsys.readouterr().err)["exception"]


def test_the_level_is_kept_and_chatty_libraries_are_quiet(
    capsys: pytest.CaptureFixture[str],
) -> None:
    logs.set_up("debug", "json")
    logging.getLogger("httpx").info("GET https://user:secret@host")
    logging.getLogger("pyconnect_x").debug("seen")
    assert [json.loads(line)["event"] for line in capsys.readouterr().err.splitlines()] == ["seen"]


def test_auto_is_json_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    logs.set_up()
    logging.getLogger("x").info("event")
    assert json.loads(capsys.readouterr().err)["event"] == "event"


def test_work_goes_on_when_nobody_reads_stderr(monkeypatch: pytest.MonkeyPatch) -> None:
    logs.set_up()
    gone = io.StringIO()
    gone.close()
    monkeypatch.setattr(sys, "stderr", gone)
    logging.getLogger("x").error("nobody hears")
