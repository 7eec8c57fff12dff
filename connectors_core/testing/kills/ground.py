"""Ground: gives a plot for every kill, and leaves nothing behind on a cluster."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from tempfile import TemporaryDirectory

from connectors_core.api.errors import PyconnectError
from connectors_core.app.storage import delete_topics
from connectors_core.configs.worker.place import KafkaPlace
from connectors_core.testing.driver.ledger import CONNECTOR
from connectors_core.testing.kills.plot import Harvest, Plot, harvest

log = logging.getLogger(__name__)


class Ground:
    """`async with Ground(topics, kafka) as ground:` gives one plot after the other.

    `topics` are those that the source names. Without a cluster each plot is a log of its own. On one
    they are pieces of the same topics, which are deleted at the end, and each has a connector of its
    own: to make topics takes longer than all that a worker does.
    """

    def __init__(self, topics: Sequence[str], kafka: KafkaPlace | None = None) -> None:
        self._topics = topics
        self._name = f"pyconnect-{CONNECTOR}-{uuid.uuid4().hex[:12]}" if kafka else CONNECTOR
        self._kafka = kafka and replace(
            kafka,
            offsets_topic=f"{self._name}-offsets",
            claims_topic=f"{self._name}-claims",
            schemas_topic=f"{self._name}-schemas",
        )
        self._plots = 0
        self._ends: dict[str, int] = {}

    async def __aenter__(self) -> Ground:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._kafka is None:
            return
        try:
            await asyncio.to_thread(delete_topics, self._kafka, self._name)
        except PyconnectError as error:
            log.warning("topics are left", extra={"prefix": self._name, "error": str(error)})

    @contextmanager
    def plot(self) -> Iterator[Plot]:
        """Give the next plot; the one before has been harvested."""
        self._plots += 1
        connector = f"{self._name}-{self._plots}" if self._kafka else CONNECTOR
        with TemporaryDirectory(prefix="pyconnect-contract-") as folder:
            yield Plot(f"{folder}/data", self._kafka, connector, self._name, dict(self._ends))

    async def harvest(self, plot: Plot) -> Harvest:
        """Return what is stored on a plot."""
        found = await asyncio.to_thread(harvest, plot, self._topics)
        if self._kafka is not None:
            self._ends = found.ends
        return found
