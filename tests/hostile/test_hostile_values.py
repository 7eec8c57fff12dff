"""Invariant 6 from end to end: a value comes back exactly as it was, or it is a dead letter."""

from __future__ import annotations

import base64
import datetime
import json
import math
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from hostile_site import HERE, Site, a_site, summary  # noqa: F401 - beside this file
from hostile_values import SERIES, VALUES

from connectors_core.app import LogPlace, decoder, open_reader

PLUGIN = ("--plugin", str(HERE / "hostile_values.py"))


def same(found: Any, wanted: Any) -> bool:
    """Compare what `export` shows with a value, by the documentation of export and not by its code.

    Types count: 1 is not True and not 1.0. A field that another record of the array or map has is
    null; decimals and instants are the same number and the same instant.
    """
    if isinstance(wanted, dict):
        return isinstance(found, dict) and all(
            same(found.get(name), wanted.get(name)) for name in found.keys() | wanted.keys()
        )
    if isinstance(wanted, list | tuple):
        return (
            isinstance(found, list) and len(found) == len(wanted) and all(map(same, found, wanted))
        )
    if isinstance(wanted, bytes):
        return bool(found == {"$bytes": base64.b64encode(wanted).decode()})
    if isinstance(wanted, float) and not math.isfinite(wanted):
        return found == ("NaN" if math.isnan(wanted) else "Infinity" if wanted > 0 else "-Infinity")
    if isinstance(wanted, Decimal):
        return Decimal(str(found)) == wanted
    if isinstance(wanted, datetime.datetime):
        return datetime.datetime.fromisoformat(found) == wanted
    if isinstance(wanted, datetime.date | UUID):
        return bool(found == str(wanted))
    return type(found) is type(wanted) and repr(found) == repr(wanted)


def read_back(site: Site, topics: list[str]) -> dict[str, list[Any]]:
    """Return every value of these topics as `export` writes it; in one process, for speed."""
    from connectors_core.cli.shape import record_line

    reader = open_reader(LogPlace(site.data))
    decode = decoder(reader)
    known = {info.name for info in reader.topics()}
    try:
        return {
            topic: [
                json.loads(record_line(record, decode))["value"]
                for partition, (start, _) in sorted(reader.bounds(topic).items())
                for record in reader.read(topic, partition, start, 1000)
            ]
            for topic in topics
            if topic in known
        }
    finally:
        reader.close()


UNFIT = {
    "surrogate", "surrogate-name", "huge-int", "no-zone", "keys-number", "keys-none", "keys-bytes",
    "deep-5000", "set", "object", "complex", "text-surrogate", "decimal-nan",
}  # fmt: skip
"""What no converter may take."""


@pytest.mark.parametrize("tolerance", ["all", "none"])
@pytest.mark.parametrize("converter", ["avro", "json", "string", "bytes"])
def test_a_value_comes_back_exactly_or_is_that_records_error(
    site: Site, converter: str, tolerance: str
) -> None:
    files = [
        site.connector(
            name, "valued", value=name, value__converter=converter, errors__tolerance=tolerance
        )
        for name in VALUES
    ]
    done = site.run(*files, *PLUGIN)
    found = summary(done.stdout)
    assert "Traceback" not in done.stderr, done.stderr[-3000:]
    stored = read_back(site, list(VALUES))
    refused, wrong = set(), {}
    for name, value in VALUES.items():
        if found[name]["records"]:
            assert len(stored[name]) == 1
            if not same(stored[name][0], value):
                wrong[name] = stored[name][0]
        else:
            refused.add(name)
            state = "COMPLETED" if tolerance == "all" else "FAILED"
            assert found[name]["state"] == state, (name, found[name])
            assert stored.get(name, []) == []
    assert wrong == {}
    assert refused >= UNFIT
    if converter in ("avro", "json"):
        assert "plain" not in refused
    if tolerance == "all":
        dead = read_back(site, [f"{name}-dlq" for name in VALUES])
        assert {name.removesuffix("-dlq") for name, rows in dead.items() if rows} == refused


@pytest.mark.parametrize("evolution", ["evolve", "freeze"])
def test_changing_shapes_are_stored_exactly_or_refused_one_by_one(
    site: Site, evolution: str
) -> None:
    file = site.connector("s", "valued", errors__tolerance="all", schema__evolution=evolution)
    done = site.run(file, *PLUGIN)
    found = summary(done.stdout)["s"]
    assert found["state"] == "COMPLETED", done.stderr[-2000:]
    keys = [record["key"] for record in site.export("s")]
    values = dict(zip(keys, site.values("s"), strict=True))
    dead = [record["key"] for record in site.export("s-dlq")]
    assert sorted([*keys, *dead], key=lambda key: int(key[1:])) == [
        f"k{n}" for n in range(1, len(SERIES) + 1)
    ]
    for n, wanted in enumerate(SERIES, 1):
        if f"k{n}" in values:
            # An int in a field of doubles is widened, as Avro promotes it; nothing else may change.
            found = values[f"k{n}"]
            assert same(found, wanted) or _bare(found) == _bare(wanted), n


def _bare(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _bare(inner) for name, inner in value.items() if inner is not None}
    return value
