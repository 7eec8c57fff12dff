"""Handover: a connector's offsets and keyed state, after all records are where they belong.

Through the slot of the connector itself, so that whoever runs it on Kafka is fenced before they
move. They move in one transaction; state that is too much for one goes in several before it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

from connectors_core.api.errors import ConfigError
from connectors_core.api.store import Store, Transaction
from connectors_core.app.promotion import ledger
from connectors_core.app.promotion.difference import portions, state_changes
from connectors_core.app.promotion.fingerprint import digest_of
from connectors_core.app.promotion.ledger import CONNECTOR, Handed, handed_key
from connectors_core.app.promotion.source import SourceLog, by_connector
from connectors_core.stores.kafka.slot import KafkaSlot

Existing = Literal["refuse", "keep", "replace"]
Action = Literal["move", "none", "keep"]
CHANGES = 5_000
BYTES = 4 << 20
"""Keyed state of one transaction."""


def decide(
    connector: str,
    wanted: Handed,
    there: Mapping[str, str],
    here: Mapping[str, str],
    before: Handed | None,
    existing: Existing,
) -> Action:
    """Return what becomes of a connector. Raises ConfigError if it has gone on on Kafka. Pure.

    `wanted` is how it is to be, `there` and `here` are its offsets on Kafka and in the log,
    `before` is what an earlier promotion has left.
    """
    if before is not None and before.done and before.handed == wanted.handed:
        return "none"  # handed over; what it has done since is its own
    if existing == "replace" or not there or dict(there) == dict(here):
        return "move"
    if untouched(wanted, there, before):
        return "move"
    if existing == "keep":
        return "keep"
    raise _ahead(connector, there, here)


def untouched(wanted: Handed, there: Mapping[str, str], before: Handed | None) -> bool:
    """Say whether Kafka has just what an earlier promotion of this log has left there."""
    if before is None or before.log != wanted.log:
        return False
    return digest_of(there) == (before.offsets if before.done else before.before)


def _ahead(connector: str, there: Mapping[str, str], here: Mapping[str, str]) -> ConfigError:
    differing = [key for key in sorted({*there, *here}) if there.get(key) != here.get(key)]
    shown = "; ".join(
        f"{key} is at {there.get(key, 'its start')} on Kafka, and at {here.get(key, 'its start')} here"
        for key in differing[:3]
    )
    more = f"; and {len(differing) - 3} more" if len(differing) > 3 else ""
    return ConfigError(
        f"it has offsets on Kafka already: {shown}{more}. Leave them with --existing-offsets keep; throw"
        " them away, and have it go on from where it is here, with --existing-offsets replace.",
        code="promote.ahead",
        place=connector,
    )


def wanted_of(source: SourceLog, connector: str, here: Mapping[str, str]) -> Handed:
    """Return how a connector is to be handed over; reads all of its state."""
    return Handed(
        log=source.identity,
        before="",
        offsets=digest_of(here),
        state=source.state_digest(connector),
        done=True,
    )


def hand_over(store: Store, source: SourceLog, connector: str, existing: Existing) -> Action:
    """Take a connector over on Kafka and move its offsets and its state there.

    Return what was done. Blocking. Raises ConfigError if it went on there meanwhile.
    """
    here = source.offsets()[connector]
    if (seen := _decided_by_looking(store, source, connector, existing)) != "move":
        return seen  # whoever runs it on Kafka is left alone
    slot = store.acquire(store.slot_name(connector))
    assert isinstance(slot, KafkaSlot)
    try:
        there = slot.offsets(connector)
        before = ledger.handed(slot.offsets(CONNECTOR), connector)
        wanted = wanted_of(source, connector, here)
        action = decide(connector, wanted, there, here, before, existing)
        sure = existing == "replace" or untouched(wanted, there, before)
        if action == "move" and not sure and (other := _other_state(source, slot, connector)):
            if existing == "refuse":
                raise other
            return "keep"
        if action == "move":
            _move(source, slot, connector, wanted)
        return action
    finally:
        slot.release()


def _decided_by_looking(
    store: Store, source: SourceLog, connector: str, existing: Existing
) -> Action:
    """Return what would become of a connector, without taking it over."""
    reader = store.reader()
    try:
        found = by_connector(reader.offsets())
    finally:
        reader.close()
    here = source.offsets()[connector]
    before = ledger.handed(found.get(CONNECTOR, {}), connector)
    wanted = wanted_of(source, connector, here)
    return decide(connector, wanted, found.get(connector, {}), here, before, existing)


def _move(source: SourceLog, slot: KafkaSlot, connector: str, wanted: Handed) -> None:
    here, there = source.offsets()[connector], slot.offsets(connector)
    wanted = replace(wanted, before=digest_of(there))
    last = Transaction(
        offsets={
            **{(connector, key): None for key in there.keys() - here.keys()},
            **{(connector, key): offset for key, offset in here.items()},
            (CONNECTOR, handed_key(connector)): wanted.encoded(),
        }
    )
    waiting: Transaction | None = None
    for some in portions(state_changes(source, slot, connector), CHANGES, BYTES):
        if waiting is not None:
            # Offsets last: until then the connector has not gone on from anything.
            begun = replace(wanted, done=False).encoded()
            waiting.offsets[CONNECTOR, handed_key(connector)] = begun
            slot.commit(waiting)
        waiting = Transaction()
        for partition, (key, value) in some:
            waiting.state.setdefault((connector, partition), {})[key] = value
    if waiting is not None:
        last.state = waiting.state
    slot.commit(last)


def _other_state(source: SourceLog, slot: KafkaSlot, connector: str) -> ConfigError | None:
    """Return what is to be said of state on Kafka that is not from here, None if there is none."""
    first = next(state_changes(source, slot, connector), None)
    if first is None or not slot.keys(connector):
        return None
    partition, (key, _) = first
    return ConfigError(
        f"it has keyed state on Kafka already, which differs in {key!r} of {partition}. Leave it"
        " with --existing-offsets keep; throw it away with --existing-offsets replace.",
        code="promote.ahead",
        place=connector,
    )
