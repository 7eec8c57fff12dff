"""Law: one promise that a plugin can break; its level, its time, what it needs and rests on."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from connectors_core.testing.trial import Trial

VERSION = "1"
"""The version of the contract. It grows by one when a law is added or asks for more."""

LEVELS = ("basic", "full", "crash")
"""Each level judges the laws of those before it too."""

CAPABILITIES: Mapping[str, str] = {
    "bounded": "a read ends by itself when everything was given",
    "live_only": "what was missed can't be read again: nothing is promised of a restart",
    "ordered": "the values of a partition come in the order of `expected()`",
    "paced": "every request to the far side takes a token of `context.pace` first",
    "prunes_on_ack": "the far side forgets what was acknowledged",
    "replayable": "a read from an offset gives again what followed it",
    "splits": "partitions can be read by several tasks, each with some of them",
}
"""What a contract may say that its source can do; a law that needs more is skipped."""

Judge: TypeAlias = "Callable[[Trial], Awaitable[str | None]]"


class Broken(AssertionError):
    """The source breaks the law; the text says where, and what to do."""


class NotApplicable(Exception):
    """The law has nothing to look at in this source; the text says why."""


@dataclass(frozen=True, slots=True)
class Law:
    """A named promise. `judge` raises Broken or NotApplicable, takes at most `seconds`, and may
    return a note.

    `rests_on` names laws without which this one says nothing. The docstring of `judge` has three
    paragraphs: the law, why there is one, how to keep it.
    """

    name: str
    level: str
    seconds: float
    rests_on: tuple[str, ...]
    needs: frozenset[str]
    judge: Judge

    @property
    def text(self) -> str:
        """What the law says, in one sentence."""
        return self.paragraphs[0]

    @property
    def paragraphs(self) -> list[str]:
        """The law, why, and how, each in one line."""
        return [" ".join(each.split()) for each in (inspect.getdoc(self.judge) or "").split("\n\n")]


def law(
    level: str = "basic",
    *,
    seconds: float = 10.0,
    rests_on: tuple[str, ...] = (),
    needs: frozenset[str] | set[str] = frozenset(),
) -> Callable[[Judge], Law]:
    """Make a law of the function that judges it, by the function's name."""

    def made(judge: Judge) -> Law:
        name = getattr(judge, "__name__", "law")
        return Law(name, level, seconds, rests_on, frozenset(needs), judge)

    return made


def require(fact: object, text: str) -> None:
    """Raise Broken with this text unless the fact holds."""
    if not fact:
        raise Broken(text)
