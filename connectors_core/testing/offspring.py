"""What a child process does with a source: a whole worker, to its end or until it is killed."""

from __future__ import annotations

import asyncio
from pathlib import Path

from connectors_core.api.config import ConnectorOptions
from connectors_core.api.record import Partition
from connectors_core.api.store import TopicSpec
from connectors_core.app.storage import owned_store
from connectors_core.avro.registry import EmbeddedRegistry
from connectors_core.configs.worker.place import LogPlace
from connectors_core.herder.model import State
from connectors_core.herder.standalone import Standalone
from connectors_core.runtime import crash
from connectors_core.runtime.spec import ConnectorSpec
from connectors_core.testing.declaration import Declaration
from connectors_core.testing.job import Done, Job
from connectors_core.testing.ledger import CONNECTOR, Ledger
from connectors_core.testing.life import Life, ask_partitions
from connectors_core.testing.stored import store_all
from connectors_core.testing.trial import QUIET_SECONDS
from connectors_core.testing.witness import NoSchemas, Witness, stamped

TICK_SECONDS = 0.005
DEAD_LETTERS = f"{CONNECTOR}-dlq"
PACE = {"commit.linger.ms": 0, "commit.max.records": 3, "restart.delay.ms": 10, "restart.max": 3}
"""Many small commits, so that there are many boundaries to be killed at."""


def done(declaration: Declaration, job: Job) -> Done:
    """Do a job in this process, which may be killed by it."""
    return asyncio.run({"run": _run, "schemas": _schemas}[job.do](declaration, job))


async def _run(declaration: Declaration, job: Job) -> Done:
    if job.crash == "count":
        crash.count()
    elif job.crash:
        crash.arm(job.crash)
    with owned_store(LogPlace(Path(job.folder))) as store:
        herder = Standalone([_spec(declaration, job)], store, NoSchemas())
        await herder.start()
        try:
            await _until_done(herder, job.count)
        finally:
            await herder.stop()
    status = herder.statuses()[0]
    failed = [task.failure.text for task in status.tasks if task.failure]
    ended = status.state in (State.COMPLETED, State.STOPPED)
    return Done(0 if ended else 1, "\n".join(failed), crash.arrivals() if job.crash else {})


async def _until_done(herder: Standalone, count: int | None) -> None:
    while not herder.ended():
        if count is not None and herder.statuses()[0].records >= count:
            await asyncio.sleep(QUIET_SECONDS)  # for what should not come
            return
        await asyncio.sleep(TICK_SECONDS)


def _spec(declaration: Declaration, job: Job) -> ConnectorSpec:
    source = declaration.source
    options = {"name": CONNECTOR, "connector.class": source.name, "errors.tolerance": "all", **PACE}
    topics: dict[str | None, TopicSpec] = {None: TopicSpec(CONNECTOR, 1)}
    topics |= {name: TopicSpec(f"{CONNECTOR}.{name}", 1) for name in source.topics}
    keys, values = Witness(declaration.comparable_key), Witness(declaration.comparable)
    return ConnectorSpec(
        ConnectorOptions(**options),
        source.name,
        stamped(source),
        lambda: source.config_class()(**job.options),
        lambda: (keys, values),
        topics,
        TopicSpec(DEAD_LETTERS, 1),
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


def _by_subject(registry: EmbeddedRegistry) -> dict[str, str]:
    return {f"{row.subject} {row.version}": row.avro for row in registry.pending()}
