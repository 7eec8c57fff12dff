"""Trial: what a law works with: fresh upstreams, the source's options, and a complete reading."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from itertools import chain
from typing import Any

from pydantic import BaseModel, Secret, SecretStr, ValidationError

from connectors_core.api.config import Config
from connectors_core.api.record import Partition, Record
from connectors_core.testing.declaration import Declaration
from connectors_core.testing.driver.compare import difference, texts_of
from connectors_core.testing.driver.far_side import FarSide
from connectors_core.testing.driver.ledger import Ledger
from connectors_core.testing.driver.life import STALL_SECONDS, Life, ask_partitions
from connectors_core.testing.home import Home, home_of
from connectors_core.testing.law import NotApplicable, require
from connectors_core.testing.upstream.faults import BAD_TLS
from connectors_core.testing.watch.open_scopes import Scopes

LIVE_RECORDS = 20
SECRET_LENGTH = 6
"""What is shorter is in some text by chance."""
QUIET_SECONDS = 0.1
"""How long a source without an end is watched for records that should not come."""


class Trial:
    """One contract before its judge. Kept for all laws, each of which has a loop of its own.

    `shard` (i, n) says which part of the kills is to be made here.
    """

    def __init__(self, declaration: Declaration, shard: tuple[int, int] = (1, 1)) -> None:
        self.declaration = declaration
        self.source = declaration.source
        self.capabilities = declaration.capabilities
        self.shard = shard
        self._whole: tuple[Ledger, list[Any] | None] | None = None
        self._partitions: list[Partition] = []
        self.seconds = 0.0
        """How long the complete reading took."""
        self.scopes: list[str] = []
        """The timeouts and task groups that an item of it came out of."""

    def upstream(self) -> FarSide:
        """Return a fresh upstream; `async with` runs it."""
        return FarSide(self.declaration.upstream)

    def config(self, far: FarSide) -> Config:
        """Return the source's options for an upstream."""
        return self.source.config_class()(**far.options)

    @property
    def home(self) -> Home:
        """Where a child process finds the contract."""
        return home_of(self.declaration.contract)

    def options(self, far: FarSide) -> dict[str, Any]:
        """Return the options for an upstream as a file would have them."""
        return {name: as_written(value) for name, value in far.options.items()}

    async def partitions(self, far: FarSide) -> list[Partition]:
        """Return the partitions of the source at an upstream."""
        return [Partition(each) for each in await ask_partitions(self.source, self.config(far))]

    def life(self, far: FarSide, ledger: Ledger, **options: Any) -> Life:
        """Return a life of the source at an upstream, over a ledger; `async with` opens it."""
        return Life(self.source, self.config(far), ledger, **options)

    async def harm(self, far: FarSide, kind: str) -> bool:
        """Begin a fault; False if the upstream can't, or the options can't lead to where it is.

        Under `bad-tls` the options are others, with https.
        """
        if not await far.fault(kind):
            return False
        if kind != BAD_TLS:
            return True
        await far.configure()
        try:
            self.config(far)
        except ValidationError:
            return False
        return True

    async def read(
        self,
        far: FarSide,
        ledger: Ledger,
        enough: Callable[[], bool] | None = None,
        *,
        stall: float = STALL_SECONDS,
        pause: Callable[[], float] | None = None,
        **options: Any,
    ) -> bool:
        """Live once: read until all is there, or until `enough`; True if every read returned.

        A source without an end is read until it has given as many values as are expected, and
        watched for more.
        """
        partitions = await self.partitions(far)
        async with self.life(far, ledger, **options) as life:
            life.pause = pause or life.pause
            if enough is not None:
                return await life.read(partitions, enough, stall=stall)
            count = await self.count(far)
            if count is None:
                return await life.read(partitions, stall=stall)
            return await life.read(partitions, ledger.has(count), stall=stall, quiet=QUIET_SECONDS)

    async def count(self, far: FarSide) -> int | None:
        """Return how many values end a reading; None for a source that ends by itself."""
        if "bounded" in self.capabilities:
            return None
        expected = await far.expected()
        return LIVE_RECORDS if expected is None else len(expected)

    async def whole(self) -> Ledger:
        """Return one complete reading from the start; made once, for all laws."""
        ledger, _ = await self._known()
        return ledger

    async def wanted(self) -> list[str]:
        """Return the records of the complete reading as texts: what every other one must give."""
        found = texts_of((await self.whole()).by_partition(), self.declaration.text)
        return list(chain.from_iterable(found.values()))

    async def expected(self) -> list[str] | None:
        """Return the values that the upstream expects, as texts; None if it does not tell."""
        _, expected = await self._known()
        if expected is None:
            return None
        return [self.declaration.text_of(each) for each in expected]

    async def parts(self) -> list[list[Record]]:
        """Return the records that a complete reading gives of each partition, in their order.

        By place: a partition may be named after its upstream, which is another one each time.
        """
        found = (await self.whole()).by_partition()
        return [found.get(each, []) for each in self._partitions]

    def differs(self, wanted: list[str], ledger: Ledger) -> str:
        """Say how a ledger differs from what was wanted; "" if it does not."""
        found = texts_of(ledger.by_partition(), self.declaration.text)
        return difference(wanted, found, ordered="ordered" in self.capabilities)

    def require_whole(self, wanted: list[str], ledger: Ledger, when: str, cure: str) -> None:
        """Raise Broken unless a ledger has just what was wanted, and the rejects of the whole."""
        said = self.differs(wanted, ledger)
        require(not said, f"{when}: {said}. {cure}")
        if self._whole is not None and "bounded" in self.capabilities:
            before, after = self._whole[0].rejects(), ledger.rejects()
            require(before == after, f"{when}: {len(after)} rejects, not {len(before)}. {cure}")

    async def _known(self) -> tuple[Ledger, list[Any] | None]:
        if self._whole is None:
            ledger, began = Ledger(), time.monotonic()
            async with self.upstream() as far:
                self._partitions = await self.partitions(far)
                with Scopes() as scopes:
                    await self.read(far, ledger, pause=lambda: self._look(scopes))
                expected = await far.expected()
            self._whole = ledger, expected
            self.seconds = time.monotonic() - began
        return self._whole

    def _look(self, scopes: Scopes) -> float:
        self.scopes = self.scopes or scopes.open_in(asyncio.current_task())
        return 0.0


def as_written(value: Any) -> Any:
    """Return an option as JSON has it, secrets in plain text."""
    if isinstance(value, Secret | SecretStr):
        return value.get_secret_value()
    if isinstance(value, BaseModel):
        fields = type(value).model_fields.items()
        return {field.alias or name: as_written(getattr(value, name)) for name, field in fields}
    if isinstance(value, Mapping):
        return {str(key): as_written(each) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [as_written(each) for each in value]
    return json.loads(json.dumps(value, default=str))


def require_fault(done: bool, kind: str) -> None:
    """Raise NotApplicable if the upstream can't do this harm."""
    if not done:
        raise NotApplicable(f"the upstream has no fault({kind!r})")


def secrets_of(value: Any) -> list[str]:
    """Return the values of all secrets in options; one that is empty is none."""
    if isinstance(value, Secret | SecretStr):
        text = str(value.get_secret_value())
        return [text] if text else []
    if isinstance(value, BaseModel):
        return secrets_of([getattr(value, name) for name in type(value).model_fields])
    if isinstance(value, Mapping):
        return secrets_of(list(value.values()))
    if isinstance(value, list | tuple | set | frozenset):
        return [found for each in value for found in secrets_of(each)]
    return []
