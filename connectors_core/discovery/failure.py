"""What went wrong when a plugin was imported, told in one line."""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from pathlib import Path

_OURS = str(Path(__file__).resolve().parent)


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a plugin can't be used. `where` is FILE:LINE within the plugin, "" if not known."""

    error: BaseException
    text: str
    where: str = ""

    def __str__(self) -> str:
        return f"{self.text} ({self.where})" if self.where else self.text

    @classmethod
    def of(cls, error: BaseException) -> Failure:
        """Keep what a plugin raised, with the innermost line of its own code."""
        if isinstance(error, Mistake):
            return cls(error, str(error), error.where)
        if isinstance(error, SyntaxError) and error.filename:
            return cls(error, _line(error), f"{error.filename}:{error.lineno}")
        return cls(error, _line(error), _where(error))


class Mistake(Exception):
    """A plugin that was imported but does not keep to the rules of a plugin."""

    def __init__(self, message: str, where: str = "") -> None:
        super().__init__(message)
        self.where = where


def _line(error: BaseException) -> str:
    """Return type and message in one line; the error's own text may be anything, or raise."""
    try:
        said = " ".join(str(error).split())
    except Exception:
        said = "(its message can't be shown)"
    said = "".join(c if c.isprintable() else repr(c)[1:-1] for c in said[:300])
    return f"{type(error).__name__}: {said}" if said else type(error).__name__


def _where(error: BaseException) -> str:
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith(("<frozen", _OURS))
    ]
    return f"{frames[-1].filename}:{frames[-1].lineno}" if frames else ""
