"""Source: the one contract of a source plugin."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Protocol, TypeVar

from connectors_core.api.config import Config
from connectors_core.api.generics import config_of
from connectors_core.api.record import Item, Json, JsonScalar, Offset, Partition

if TYPE_CHECKING:
    from connectors_core.api.schema import Schema

C = TypeVar("C", bound=Config)


class State(Protocol):
    """Keyed state of one source partition: what is committed, overlaid with every Batch that this
    generator has yielded. Local and plain: no call waits."""

    def get(self, key: str) -> Any:
        """Return the value of a key, or None."""
        ...

    def get_many(self, keys: Iterable[str]) -> dict[str, Json]:
        """Return the values of those keys that exist."""
        ...

    def scan(
        self, prefix: str = "", *, after: str = "", limit: int = 1000
    ) -> list[tuple[str, Json]]:
        """Return up to `limit` pairs in the order of the keys' UTF-8 bytes."""
        ...


class SourceContext(Protocol):
    """What the runtime offers a source; set before `open()`."""

    @property
    def connector(self) -> str:
        """The connector's name."""
        ...

    def state(self, partition: Mapping[str, JsonScalar]) -> State:
        """Return the keyed state of a partition that this source reads."""
        ...

    def session(self, name: str, limit: int = 1) -> AbstractAsyncContextManager[None]:
        """Hold one of `limit` places of an exclusive resource of the worker."""
        ...

    async def pace(self, name: str, per_second: float) -> None:
        """Wait for a token of the worker's shared budget `name`."""
        ...

    def hold(self, name: str, seconds: float) -> None:
        """Make everyone who paces on `name` wait (a Retry-After)."""
        ...

    def report(self, partition: Mapping[str, JsonScalar], **facts: JsonScalar) -> None:
        """Show facts of a partition in `run` and `status`, until they are reported anew.

        `lag` is a number, and `gap` a text that says what is missing; both stand in the tables, and
        `status --json` has them all.
        """
        ...


class Source(Generic[C]):
    """Reads one kind of thing. A plain `def` is allowed wherever `async def` stands.

    One object per task run: `open`, reads, `close`. `partitions` is asked on an object of its own,
    on one worker, again every `partitions.refresh.ms`; so `open` MUST NOT take an exclusive
    session. All that a source knows MUST come from the offset and the keyed state, so that retry,
    pause, restart and a killed process are one path: close the generator, read again.
    """

    name: ClassVar[str]
    contract: ClassVar[int] = 1
    topics: ClassVar[Sequence[str]] = ()
    schemas: ClassVar[Mapping[str, Schema]] = {}
    testing: ClassVar[str | None] = None
    config: C
    context: SourceContext

    def __init__(self, config: C, context: SourceContext) -> None:
        self.config = config
        self.context = context

    @classmethod
    def config_class(cls) -> type[Config]:
        """Return the pydantic model of the options: C of `Source[C]`."""
        return config_of(cls, Source)

    async def open(self) -> None:
        """Get ready to read. Called once, before any read."""

    async def close(self) -> None:
        """Let go of everything. Called once, after the last generator is closed."""

    async def partitions(self) -> Iterable[Mapping[str, JsonScalar]]:
        """Return the parts that can be read side by side; each keeps an order of its own."""
        return [{}]

    def read(
        self, partition: Partition, offset: Offset | None
    ) -> AsyncIterator[Item] | Iterator[Item]:
        """Give the items of a partition after `offset` (None: from the start).

        Raise Retry for what is not there just now, OffsetError if `offset` is of no use.
        Returning means that the partition is complete.
        """
        raise NotImplementedError(f"{type(self).__name__} has neither read nor read_all")

    def read_all(self, positions: Mapping[Partition, Offset | None]) -> AsyncIterator[Item]:
        """Give the items of partitions that share a connection, each with its `partition`.

        Defined instead of `read`. Closed and called again if the set of partitions changes.
        """
        raise NotImplementedError

    async def committed(self, partition: Partition, offset: Offset) -> None:
        """Hear that everything up to `offset` is durable; acknowledge upstream only from here.

        Called in order, with the newest offset only, once with the stored offset before the first
        read, never after the generator was closed; a read that returned by itself hears the last of
        it afterwards. MUST bear being told twice.
        """
