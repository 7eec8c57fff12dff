"""Mutants that break a law of what a source keeps to itself."""

from __future__ import annotations

import logging
import sqlite3
import uuid
from contextlib import closing
from pathlib import Path
from typing import Any

from connectors_core import Record, Reject, Retry
from tests.hostile.lawful import Lawful
from tests.hostile.mutants.breaking import (
    Rewritten,
    breaks,
)


@breaks("secrets_are_kept")
class LogsTheSecret(Lawful):
    async def open(self) -> None:
        logging.getLogger(__name__).debug("opening", extra={"with": self.secret()})


@breaks("secrets_are_kept")
class TellsTheSecretInAnError(Lawful):
    async def ask(self, path: str, **query: Any) -> Any:
        try:
            return await super().ask(path, **query)
        except Retry as error:
            raise Retry(f"{error.message} with {self.secret()}", after=error.after) from error


@breaks("secrets_are_kept")
class TellsTheSecretInAReject(Rewritten):
    def instead(self, record: Record) -> list[Any]:
        first = record.value["seq"] == 1
        return [*[Reject("unreadable", self.secret().encode())][:first], record]


@breaks("writes_nothing_of_its_own")
class WritesAFile(Lawful):
    async def open(self) -> None:
        path = Path(f"/tmp/{uuid.uuid4().hex}")
        path.write_text("cache")
        path.unlink()


@breaks("writes_nothing_of_its_own")
class KeepsADatabase(Lawful):
    async def open(self) -> None:
        path = f"/tmp/{uuid.uuid4().hex}"
        with closing(sqlite3.connect(path)) as database:
            database.execute("CREATE TABLE seen (url)")
        Path(path).unlink()


@breaks("writes_nothing_of_its_own")
class Prints(Lawful):
    async def open(self) -> None:
        print("opening")
