"""Logging: one event a line on stderr, for people or as JSON, with connector, task, partition."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any

from connectors_core.api.errors import PyconnectError
from connectors_core.cli.escape import one_line, safe_json

LEVELS = ("debug", "info", "warning", "error")
FORMATS = ("auto", "console", "json")

_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_CHATTY = ("asyncio", "httpcore", "httpcore2", "httpx", "httpx2", "urllib3", "websockets")
"""Libraries that log requests, URLs and frames: noise, and a way for secrets to leak."""


def set_up(level: str = "info", style: str = "auto") -> None:
    """Send what is logged from `level` on to stderr; `auto` is console on a terminal, else JSON."""
    console = style == "console" or (style == "auto" and sys.stderr.isatty())
    handler = StderrHandler()
    handler.setFormatter(ConsoleFormatter() if console else JsonFormatter())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    logging.captureWarnings(True)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)


class StderrHandler(logging.Handler):
    """Writes to what `sys.stderr` is just then, so that lines stand above a live table."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            sys.stderr.write(f"{self.format(record)}\n")
            sys.stderr.flush()
        except (OSError, ValueError):
            # Whoever read our messages is gone; the work goes on without them.
            return


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, logger, event, then every extra as a field."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": _time(record, "T") + "Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        line |= {name: value for name, value in fields(record).items() if name not in line}
        return safe_json(json.dumps(line, ensure_ascii=False, default=str))


class ConsoleFormatter(logging.Formatter):
    """Time, level, event, then `name=value`; a traceback follows indented."""

    def format(self, record: logging.LogRecord) -> str:
        pairs = (f"{name}={_shown(value)}" for name, value in fields(record).items())
        event = one_line(record.getMessage())
        line = "  ".join((_time(record, " "), f"{record.levelname:<7}", event, *pairs))
        return line + self._trace(record)

    def _trace(self, record: logging.LogRecord) -> str:
        if not record.exc_info:
            return ""
        error = record.exc_info[1]
        if isinstance(error, PyconnectError):
            return f"  error={_shown(str(error))}"
        lines = self.formatException(record.exc_info).splitlines()
        return "".join(f"\n    {one_line(line)}" for line in lines)


def fields(record: logging.LogRecord) -> dict[str, Any]:
    """Return what was given as `extra`: connector, task and partition first."""
    extra = {name: value for name, value in vars(record).items() if name not in _OWN}
    first = {name: extra.pop(name) for name in ("connector", "task", "partition") if name in extra}
    return first | extra


def _time(record: logging.LogRecord, middle: str) -> str:
    moment = datetime.fromtimestamp(record.created, UTC).replace(tzinfo=None)
    return moment.isoformat(sep=middle, timespec="milliseconds")


def _shown(value: Any) -> str:
    text = one_line(str(value))
    plain = text and not any(mark in text for mark in ' "=')
    return text if plain else '"' + text.replace('"', '\\"') + '"'
