"""Laws of a reading: everything comes, once, in order, in units that end, fit for Avro."""

from __future__ import annotations

import math
from datetime import datetime
from decimal import Decimal
from typing import Any

from connectors_core.api.errors import PyconnectError
from connectors_core.avro.registry import EmbeddedRegistry
from connectors_core.testing.driver.compare import builtins_of, difference, text_of, texts_of
from connectors_core.testing.driver.life import STOPPED
from connectors_core.testing.driver.stored import store_all
from connectors_core.testing.law import Broken, NotApplicable, law, require
from connectors_core.testing.trial import Trial

SHOWN = 200


@law(rests_on=("partitions_are_stable",))
async def items_are_well_formed(trial: Trial) -> None:
    """A read yields Records, Batches and Rejects, each where it belongs, and closes its units.

    The runtime fails the task for anything else, at a user's and not at yours.

    Give the last record of every unit an offset, a Batch's records none, and in read_all every item
    its partition.
    """
    ledger = await trial.whole()
    faults = [each for each in ledger.faults if each.code not in ("source.offset", STOPPED)]
    require(not faults, "; ".join(dict.fromkeys(map(str, faults[:3]))))
    require(ledger.units, "a complete reading gave nothing. The upstream must have something.")


@law(rests_on=("items_are_well_formed",))
async def reads_everything(trial: Trial) -> None:
    """A read from the start gives what the upstream expects, each value once, in order.

    What is lost or doubled without any failure is lost or doubled in every run.

    Compare with `expected()`: it is what a complete read yields.
    """
    expected = await trial.expected()
    if expected is None:
        raise NotApplicable("the upstream does not say what is `expected()`")
    found = texts_of((await trial.whole()).by_partition(), trial.declaration.value_text)
    said = difference(expected, found, ordered="ordered" in trial.capabilities)
    require(not said, f"read from the start: {said}. Every value of expected() is to be read once.")


@law(rests_on=("items_are_well_formed",))
async def records_survive_avro(trial: Trial) -> None:
    """Every key and value is taken by its schema, and comes back from Avro as it was.

    Avro is the default: a value that does not fit is an error of its record, at a user's.

    Declare `schemas`, or yield plain values of one shape; a float is no int, and NaN no JSON.
    """
    records = (await trial.whole()).records()
    try:
        for stored in store_all(trial.source, records, EmbeddedRegistry([])):
            _require_same("value", stored.record.value, stored.value)
            _require_same("key", stored.record.key, stored.key)
    except PyconnectError as error:
        raise Broken(f"a record can't be stored: {error}") from error


def _require_same(what: str, given: Any, back: Any) -> None:
    require(
        text_of(back) == text_of(given) or _near(back, given),
        f"the {what} {text_of(given)[:SHOWN]} comes back from Avro as {text_of(back)[:SHOWN]}.",
    )


def _near(back: Any, value: Any) -> bool:
    """Say whether two values differ only in what a double can't hold, a field that is null, or the
    zone in which a moment is told."""
    back, value = builtins_of(back), builtins_of(value)
    if isinstance(back, dict) and isinstance(value, dict):
        return all(_near(back.get(key), value.get(key)) for key in {*back, *value})
    if isinstance(back, list) and isinstance(value, list):
        return len(back) == len(value) and all(map(_near, back, value))
    if isinstance(back, Decimal) and isinstance(value, Decimal | int):
        return back == value  # decimal(p, s) has the zeros of its scale
    if isinstance(back, datetime) and isinstance(value, datetime):
        return back == value  # Avro keeps the moment, in UTC
    if isinstance(back, float) and isinstance(value, int | float):
        return math.isclose(back, value, rel_tol=1e-15)
    return text_of(back) == text_of(value)


LAWS = (items_are_well_formed, reads_everything, records_survive_avro)
