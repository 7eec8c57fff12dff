"""What a child process does with a source: a whole worker, to its end or until it is killed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

from connectors_core.api.config import ConnectorOptions
from connectors_core.api.record import Partition
from connectors_core.api.store import Slot, Store
from connectors_core.app.storage import owned_store
from connectors_core.avro.registry import EmbeddedRegistry
from connectors_core.herder.model import State
from connectors_core.herder.standalone import Standalone
from connectors_core.runtime import crash
from connectors_core.runtime.spec import ConnectorSpec
from connectors_core.testing.declaration import Declaration
from connectors_core.testing.driver.ledger import Ledger
from connectors_core.testing.driver.life import Life, ask_partitions
from connectors_core.testing.driver.stored import store_all
from connectors_core.testing.kills.job import Done, Job
from connectors_core.testing.kills.plot import harvest
from connectors_core.testing.kills.witness import NoSchemas, Witness, stamped
from connectors_core.testing.trial import QUIET_SECONDS

TICK_SECONDS = 0.005
LINGER_MS = 20
"""On a cluster: what comes meanwhile is handed over before its commit is due, as it always is there."""
PACE = {
    "commit.linger.ms": 0,
    "commit.max.records": 3,
    "read.ahead.bytes": 1024,
    "restart.delay.ms": 10,
    "restart.max": 3,
}
"""Many small commits, so that there are many boundaries to be killed at: of a source that gives all
at once, no more than some records are taken before they are committed."""


def done(declaration: Declaration, job: Job) -> Done:
    """Do a job in this process, which may be killed by it."""
    does = {"run": _run, "schemas": _schemas, "partitions": _partitions}
    return asyncio.run(does[job.do](declaration, job))


async def _run(declaration: Declaration, job: Job) -> Done:
    if job.crash == "count":
        crash.count()
    elif job.crash:
        crash.arm(job.crash)
    with owned_store(job.plot.place) as owned:
        store = _Inherited(owned, lambda: harvest(job.plot, declaration.source.topics).count)
        herder = Standalone([_spec(declaration, job)], cast("Store", store), NoSchemas())
        await herder.start()
        try:
            await _until_done(herder, store, job.count)
        finally:
            await herder.stop()
    status = herder.statuses()[0]
    failed = [task.failure.text for task in status.tasks if task.failure]
    ended = status.state in (State.COMPLETED, State.STOPPED)
    return Done(0 if ended else 1, "\n".join(failed), crash.arrivals() if job.crash else {})


class _Inherited:
    """A store that counts, when its slot is taken over, the `records` that are there already.

    Nobody else adds to them from then on, and what a killed worker had under way is decided.
    """

    def __init__(self, store: Store, count: Callable[[], int]) -> None:
        self._store = store
        self._count = count
        self.records: int | None = None

    def acquire(self, slot: str) -> Slot:
        """Take the slot over, then count."""
        taken = self._store.acquire(slot)
        if self.records is None:
            self.records = self._count()
        return taken

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


async def _until_done(herder: Standalone, store: _Inherited, count: int | None) -> None:
    while not herder.ended():
        stored = store.records
        if (
            count is not None
            and stored is not None
            and stored + herder.statuses()[0].records >= count
        ):
            await asyncio.sleep(QUIET_SECONDS)  # for what should not come
            return
        await asyncio.sleep(TICK_SECONDS)


def _spec(declaration: Declaration, job: Job) -> ConnectorSpec:
    source = declaration.source
    name = job.plot.connector
    options = {"name": name, "connector.class": source.name, "errors.tolerance": "all", **PACE}
    if job.plot.kafka is not None:
        options["commit.linger.ms"] = LINGER_MS
    keys, values = Witness(declaration.comparable_key), Witness(declaration.comparable)
    return ConnectorSpec(
        ConnectorOptions(**options),
        source.name,
        stamped(source, live=job.count is not None),
        lambda: source.config_class()(**job.options),
        lambda: (keys, values),
        job.plot.topics(source.topics),
        job.plot.dead_letters,
    )


async def _schemas(declaration: Declaration, job: Job) -> Done:
    config = declaration.source.config_class()(**job.options)
    ledger, registry = Ledger(), EmbeddedRegistry([])
    partitions = await ask_partitions(declaration.source, config)
    async with Life(declaration.source, config, ledger) as life:
        enough = (lambda: False) if job.count is None else ledger.has(job.count)
        await life.read(map(Partition, partitions), enough)
    list(store_all(declaration.source, ledger.records(), registry))
    return Done(0, found=_by_subject(registry))


async def _partitions(declaration: Declaration, job: Job) -> Done:
    config = declaration.source.config_class()(**job.options)
    asked = await ask_partitions(declaration.source, config)
    return Done(0, found={"partitions": [Partition(each).key for each in asked]})


def _by_subject(registry: EmbeddedRegistry) -> dict[str, str]:
    return {f"{row.subject} {row.version}": row.avro for row in registry.pending()}
