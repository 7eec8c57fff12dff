"""The embedded registry's schemas in a compacted topic: key `["subject",id]`.

The id is part of the key, so that two workers that register at the same time overwrite nothing:
a schema that something was written with is always found.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from operator import itemgetter

from connectors_core.api.store import SchemaRow


def encoded(row: SchemaRow) -> tuple[bytes, bytes]:
    """Return key and value of the record for a schema."""
    value = {"subject": row.subject, "version": row.version, "id": row.id, "schema": row.avro}
    return json.dumps([row.subject, row.id]).encode(), json.dumps(value).encode()


def split_key(key: bytes | None) -> tuple[str, str] | None:
    """Return subject and id of a key; None for a key that is no such thing."""
    try:
        subject, number = json.loads(key or b"")
    except (ValueError, TypeError):
        return None
    return str(subject), str(number)


def rows(groups: Mapping[str, Mapping[str, bytes]]) -> list[SchemaRow]:
    """Return the schemas of all subjects, oldest first, their versions counted from 1.

    Counted anew, because two workers may have made the same version of a subject.
    """
    found = []
    for subject, values in groups.items():
        written = sorted(map(json.loads, values.values()), key=itemgetter("version"))
        found += [
            SchemaRow(subject, version, int(one["id"]), str(one["schema"]))
            for version, one in enumerate(written, 1)
        ]
    return found
