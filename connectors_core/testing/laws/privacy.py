"""Laws of what a source keeps to itself: secrets, the terminal, the disk."""

from __future__ import annotations

import asyncio
import io
import logging
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import Any

from connectors_core.testing.driver.far_side import FarSide
from connectors_core.testing.driver.ledger import Ledger
from connectors_core.testing.law import NotApplicable, law, require
from connectors_core.testing.trial import SECRET_LENGTH, Trial, secrets_of
from connectors_core.testing.upstream.faults import FAULTS
from connectors_core.testing.watch.written import Written

FAULT_SECONDS = 3.0
"""Longer than the timeouts of a source should be here, whose errors are looked at too."""


@law("full", seconds=60, rests_on=("secrets_are_marked", "reads_everything"))
async def secrets_are_kept(trial: Trial) -> None:
    """The value of a secret is in no log, error, traceback, repr, record, reject, offset, partition,
    state or report.

    Logs and dead letters go to many places, and are kept for years (invariant 9).

    Call `get_secret_value()` only where it goes on the wire, and never put it into a text.
    """
    async with trial.upstream() as far:
        secrets = secrets_of(trial.config(far))
    if not secrets:
        raise NotApplicable("no option of the upstream's config() is a secret")
    require(
        all(len(each) >= SECRET_LENGTH for each in secrets),
        f"a secret of the upstream's config() is too short to be found in a text. Give the fake a"
        f" secret of at least {SECRET_LENGTH} characters.",
    )
    for kind in ("none", *FAULTS):
        async with trial.upstream() as far:
            partitions = await trial.partitions(far)
            if kind != "none" and not await trial.harm(far, kind):
                continue
            places = await _told(trial, far, partitions)
        for place, text in places.items():
            for secret in secrets:
                require(
                    secret not in text,
                    f"the value of a secret is in {place} (far side: {kind}). Keep it out of texts.",
                )


@law("full", seconds=30, rests_on=("reads_everything",))
async def writes_nothing_of_its_own(trial: Trial) -> None:
    """A source prints nothing to stdout and writes no files.

    stdout belongs to the records, and a worker may have no disk but its data directory.

    Log with `logging`; keep what must survive in the offset and in keyed state.
    """
    async with trial.upstream() as far:
        out = io.StringIO()
        with Written(but=far.threads) as written, redirect_stdout(out):
            await trial.read(far, Ledger())
    require(not out.getvalue(), f"it printed {out.getvalue()[:80]!r}. Log with `logging` instead.")
    require(
        not written.files,
        f"it wrote {', '.join(sorted(written.files)[:3])}. Keep it in keyed state.",
    )


async def _told(trial: Trial, far: FarSide, partitions: list[Any]) -> dict[str, str]:
    """Read once; return by place all that was said and stored."""
    ledger, said = Ledger(), io.StringIO()
    errors: list[str] = []
    count, life = (await trial.whole()).count, trial.life(far, ledger)
    shown = repr(life.source), repr(life.source.config), str(life.source.config)
    with _logged(said), redirect_stdout(said), redirect_stderr(said):
        try:
            async with asyncio.timeout(FAULT_SECONDS), life:
                await life.read(
                    partitions, lambda: bool(life.retries) or ledger.count >= count, stall=60.0
                )
        except Exception as error:  # noqa: BLE001 - its text is what is looked at
            errors.append("".join(traceback.format_exception(error)))
        errors += ["".join(traceback.format_exception(each)) for each in life.retries]
    return {
        "a log or on the terminal": said.getvalue(),
        "an error": "\n".join(errors),
        "a repr": "\n".join(shown),
        "a record": "\n".join(map(repr, ledger.records())),
        "a reject, which is a dead letter": "\n".join(map(repr, ledger.rejects())),
        "an offset or a partition": "\n".join(
            f"{u.partition!r} {u.offset!r}" for u in ledger.units
        ),
        "keyed state": "\n".join(repr(ledger.rows(each)) for each in partitions),
        "a report": repr(life.context.reported),
    }


@contextmanager
def _logged(to: io.StringIO) -> Iterator[None]:
    """Write all that is logged, at every level, with all its fields."""
    handler = logging.StreamHandler(to)
    handler.setFormatter(_AllFields())
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        root.removeHandler(handler)
        root.setLevel(level)


class _AllFields(logging.Formatter):
    """The message, and every field of the record."""

    def format(self, record: logging.LogRecord) -> str:
        return f"{super().format(record)} {record.__dict__!r}"


LAWS = (secrets_are_kept, writes_nothing_of_its_own)
