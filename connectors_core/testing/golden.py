"""Golden offsets: what an earlier release has stored, and what was left to read from there."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from connectors_core.api.errors import ConfigError
from connectors_core.api.record import Partition
from connectors_core.testing.driver.ledger import Ledger

SUFFIX = "*.json"


@dataclass(frozen=True, slots=True)
class Position:
    """Where one partition stood: its offset, its keyed state (canonical JSON by key)."""

    offset: Mapping[str, Any] | None
    state: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Golden:
    """A file: the positions of all partitions in their order, and the records that were left.

    By place, because a partition may be named after its upstream.
    """

    release: str
    positions: Sequence[Position]
    left: Sequence[str]

    def ledger(self, partitions: Sequence[Partition]) -> Ledger:
        """Return a ledger that stands there. Raises ConfigError if there are other partitions."""
        if len(partitions) != len(self.positions):
            raise ConfigError(
                f"the golden offsets of {self.release} are of {len(self.positions)} partitions, and"
                f" there are {len(partitions)}. The upstream must serve what it did then.",
                code="contract.offsets",
            )
        ledger = Ledger()
        for partition, position in zip(partitions, self.positions, strict=True):
            ledger.restore(partition, position.offset, dict(position.state))
        return ledger


def goldens(folder: Path) -> Iterator[Golden]:
    """Give the golden files of a folder. Raises ConfigError for one that can't be read."""
    for file in sorted(folder.glob(SUFFIX)):
        try:
            found = json.loads(file.read_text("utf-8"))
            positions = [Position(**each) for each in found["positions"]]
            yield Golden(found["release"], positions, found["left"])
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise ConfigError(
                f"no golden offsets: {type(error).__name__}: {error}. Write them with"
                " `pyconnect contract NAME --write-offsets FILE`.",
                code="contract.offsets",
                place=str(file),
            ) from error


def written(golden: Golden) -> str:
    """Return what a golden file holds."""
    return json.dumps(asdict(golden), indent=2, ensure_ascii=False, sort_keys=True) + "\n"
