"""What mutants are made of: the law that each breaks, and the far sides that show it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from connectors_core import Record, Source
from tests.hostile.lawful import Items, Lawful, Options

MUTANTS: dict[str, tuple[type[Lawful], type[Items]]] = {}


class Following(Items):
    follow = True


class Pruning(Items):
    prunes = True


class OneShard(Items):
    def config(self) -> dict[str, Any]:
        return {**super().config(), "shards": 1}

    def expected(self) -> list[Any]:
        return [each for each in super().expected() if each["shard"] == 0]


class Forgetful(Items):
    async def fault(self, kind: str) -> None:
        await super().fault("none" if kind == "prune" else kind)


def breaks(law: str, upstream: type[Items] = Items) -> Any:
    """Note the law that a mutant breaks."""

    def noted(mutant: type[Lawful]) -> type[Lawful]:
        MUTANTS[f"{mutant.__name__}-{law}"] = mutant, upstream
        return mutant

    return noted


def with_options(options: type[Options]) -> type[Any]:
    """Return the lawful source with other options."""

    class Mutant(Lawful, Source[options]):  # type: ignore[valid-type, misc]
        pass

    return Mutant


class Rewritten(Lawful):
    """Gives something else for the records of a partition."""

    async def read(self, partition: Any, offset: Any) -> AsyncIterator[Any]:
        async for record in super().read(partition, offset):
            for each in self.instead(record):
                yield each

    def instead(self, record: Record) -> list[Any]:
        raise NotImplementedError
