"""Transforms and a predicate: none, one or many of one record."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from connectors_core import Config, Predicate, Record, Transform, hookimpl


class RenameConfig(Config):
    fields: dict[str, str] = Field(description="Old name to new name.")


class Rename(Transform[RenameConfig]):
    name = "rename"

    def apply(self, record: Record) -> Record:
        names = self.config.fields
        record.value = {names.get(name, name): each for name, each in record.value.items()}
        return record


class Split(Transform[Config]):
    name = "split"

    def apply(self, record: Record) -> Iterator[Record]:
        for item in record.value:
            yield Record(item, key=record.key)


class Drop(Transform[Config]):
    name = "drop"

    def apply(self, record: Record) -> None:
        return None


class HasKey(Predicate[Config]):
    name = "has-key"

    def test(self, record: Record) -> bool:
        return record.key is not None


@hookimpl
def pyconnect_transforms() -> list[type[Rename | Split | Drop | HasKey]]:
    return [Rename, Split, Drop, HasKey]
