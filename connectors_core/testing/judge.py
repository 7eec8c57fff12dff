"""Judge: applies the laws to a contract, in their order, each in its time."""

from __future__ import annotations

import asyncio
import threading
import time
import traceback
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal, TypeAlias

from connectors_core.api.errors import PyconnectError
from connectors_core.runtime.retry import describe
from connectors_core.testing.declaration import Declaration
from connectors_core.testing.golden import Golden
from connectors_core.testing.law import LEVELS, Broken, Law, NotApplicable
from connectors_core.testing.laws.offsets import golden_of
from connectors_core.testing.trial import Trial
from connectors_core.testing.watch.pulse import place_of
from connectors_core.testing.watch.waiting import tasks_of

Outcome: TypeAlias = Literal["passed", "failed", "skipped", "waived", "not judged"]
LATE_SECONDS = 2.0
"""How long a law that is over its time has to let go."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one law. `reason` of one that passed is a note, or empty."""

    law: str
    outcome: Outcome
    reason: str = ""
    seconds: float = 0.0


class Court:
    """Judges one contract; keeps the verdicts, because laws rest on others.

    A law that was not asked for yet is taken to be kept.
    """

    def __init__(
        self, declaration: Declaration, level: str, shard: tuple[int, int] = (1, 1)
    ) -> None:
        self.declaration = declaration
        self.level = level
        self.verdicts: dict[str, Verdict] = {}
        self._trial = Trial(declaration, shard)

    def all(self, laws: Iterable[Law]) -> Iterator[Verdict]:
        """Judge laws one after the other. Blocking."""
        for law in laws:
            yield self.one(law)

    def one(self, law: Law) -> Verdict:
        """Judge a law, unless there is a reason not to. Blocking."""
        began = time.monotonic()
        outcome, reason = self._excused(law) or _judged(law, self._trial)
        verdict = Verdict(law.name, outcome, reason, time.monotonic() - began)
        self.verdicts[law.name] = verdict
        return verdict

    def golden(self, release: str) -> Golden:
        """Return golden offsets of the source as it is now. Blocking.

        Raises PyconnectError if it does not read to its end, and what the source raises.
        """
        try:
            return asyncio.run(golden_of(self._trial, release))
        except Broken as error:
            raise PyconnectError(
                f"no offsets, because the source breaks its contract: {error} Judge it first, with"
                " `pyconnect contract`.",
                code="contract.broken",
            ) from error

    def _excused(self, law: Law) -> tuple[Outcome, str] | None:
        if LEVELS.index(law.level) > LEVELS.index(self.level):
            return "skipped", f"it is of the level {law.level}"
        if law.name in self.declaration.waive:
            return "waived", self.declaration.waive[law.name]
        if missing := sorted(law.needs - self.declaration.capabilities):
            return "skipped", f"the source is not declared {', '.join(missing)}"
        for other in law.rests_on:
            verdict = self.verdicts.get(other)
            if verdict is not None and verdict.outcome in ("failed", "not judged"):
                return "not judged", f"it rests on {other}, which is {verdict.outcome}"
        return None


class _Case(threading.Thread):
    """A law on a loop and a thread of its own, so that its time can be over whatever it does."""

    def __init__(self, law: Law, trial: Trial) -> None:
        super().__init__(name=f"law-{law.name}", daemon=True)
        self._law = law
        self._trial = trial
        self._task: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self.decided = threading.Event()
        self.error: BaseException | None = None
        self.note = ""

    def run(self) -> None:
        try:
            asyncio.run(self._judge())
        except BaseException as error:  # noqa: BLE001 - whatever a plugin raises is a verdict
            self.error = self.error or error
        finally:
            self.decided.set()

    async def _judge(self) -> None:
        self._task = asyncio.current_task()
        self._loop = asyncio.get_running_loop()
        try:
            self.note = await self._law.judge(self._trial) or ""
        except BaseException as error:  # noqa: BLE001 - whatever a plugin raises is a verdict
            self.error = error
        # Here, as the loop waits at its end for tasks that may never let go.
        self.decided.set()

    def place(self) -> str:
        """Return where the thread and the tasks of the loop are."""
        return f"{place_of(self.ident)}{tasks_of(self._loop)}"

    def give_up(self) -> None:
        """Ask the law to end."""
        with suppress(RuntimeError):  # the loop is closed
            if self._loop is not None and self._task is not None:
                self._loop.call_soon_threadsafe(self._task.cancel)
        self.join(LATE_SECONDS)


def _judged(law: Law, trial: Trial) -> tuple[Outcome, str]:
    case = _Case(law, trial)
    began = time.monotonic()
    case.start()
    try:
        in_time = case.decided.wait(law.seconds)
    except BaseException:  # Ctrl-C: what the law has started is ended first
        case.give_up()
        raise
    if not in_time:
        place = case.place()
        case.give_up()
        return "failed", f"not done in its {law.seconds:g} s. It was at:\n{place}"
    error = case.error
    left = law.seconds - (time.monotonic() - began)
    case.join(LATE_SECONDS if error is not None else max(LATE_SECONDS, left))
    if error is None and case.is_alive():
        return "failed", f"all is read, and this does not let go:\n{case.place()}"
    if error is None:
        return "passed", case.note
    if isinstance(error, NotApplicable):
        return "skipped", str(error)
    if isinstance(error, Broken):
        return "failed", str(error)
    return "failed", f"{describe(error)}\n{_trace(error)}"


def _trace(error: BaseException) -> str:
    """Return the last lines of a traceback: where in the plugin it happened."""
    return "".join(traceback.format_tb(error.__traceback__)[-3:])
