"""The herder of one worker on its own: all connectors, the data plane under them, the watchdog."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence

from connectors_core.api.errors import ConfigError
from connectors_core.api.store import Store
from connectors_core.herder.connector import ASKER, Connector
from connectors_core.herder.model import ConnectorStatus, Failure, Summary
from connectors_core.runtime.budget import Budget
from connectors_core.runtime.plane import OWNER, Plane, Silence
from connectors_core.runtime.spec import ConnectorSpec
from connectors_core.runtime.writer import SchemaLog

log = logging.getLogger(__name__)
SILENT_SECONDS = 5.0
WATCH_SECONDS = 0.5
STOP_SECONDS = 4.0
MAX_PLANES = 100


class Standalone:
    """Runs connectors in this process. Its methods are called on the main thread's loop."""

    def __init__(
        self,
        specs: Sequence[ConnectorSpec],
        store: Store,
        schemas: SchemaLog,
        max_records: int | None = None,
    ) -> None:
        self._specs = specs
        self._store = store
        self._schemas = schemas
        self._budget = Budget(max_records, self._budget_spent)
        self._plane = Plane(store, schemas, self._budget)
        self._connectors: dict[str, Connector] = {}
        self._watch: asyncio.Task[None]
        self._planes = 1
        self._loop: asyncio.AbstractEventLoop
        self.spent = asyncio.Event()

    async def start(self) -> None:
        """Start every connector; returns at once."""
        self._loop = asyncio.get_running_loop()
        self._plane.start()
        for spec in self._specs:
            self._connectors[spec.name] = Connector(spec, self._plane)
        self._launch()
        self._watch = asyncio.create_task(self._watch_plane())

    async def stop(self) -> None:
        """Stop pulling, commit what is whole, close; within 5 s."""
        self._watch.cancel()
        plane, connectors = self._plane, list(self._connectors.values())

        async def end() -> None:
            for connector in connectors:
                connector.stop()
            await asyncio.gather(*self._lives, return_exceptions=True)

        stopping = asyncio.wrap_future(plane.submit(end()))
        try:
            await asyncio.wait_for(asyncio.shield(stopping), STOP_SECONDS)
        except TimeoutError:
            log.warning("some tasks did not stop in time; they are left behind")
            for connector in connectors:
                connector.revoke()
            await asyncio.to_thread(plane.stop, 0.3)
            return
        await asyncio.to_thread(plane.stop, 1.0)

    def statuses(self) -> list[ConnectorStatus]:
        """Return what is shown of every connector, in the order of the files."""
        return [connector.status() for connector in self._connectors.values()]

    def ended(self) -> bool:
        """Say whether no connector will do anything more by itself."""
        return all(connector.ended() for connector in self._connectors.values())

    def running(self) -> bool:
        """Say whether a task has begun to run."""
        return any(connector.begun() for connector in self._connectors.values())

    def summary(self) -> Summary:
        """Return what the run did."""
        statuses = self.statuses()
        counters = [each for c in self._connectors.values() for each in c.counters.values()]
        firsts = [each.first_pull for each in counters if each.first_pull is not None]
        lasts = [each.last_commit for each in counters if each.last_commit is not None]
        return Summary(
            statuses,
            sum(status.records for status in statuses),
            sum(status.bytes for status in statuses),
            max(lasts) - min(firsts) if firsts and lasts else 0.0,
        )

    async def command(self, verb: str, name: str) -> ConnectorStatus:
        """Carry out `pause`, `resume` or `restart`. Raises ConfigError for an unknown name."""
        if name not in self._connectors:
            known = ", ".join(sorted(self._connectors))
            raise ConfigError(f"no connector {name!r} runs here; there are: {known}.")
        connector = self._connectors[name]
        actions: dict[str, Callable[[], None]] = {
            "pause": connector.pause,
            "resume": connector.resume,
            "restart": connector.restart,
        }

        async def act() -> None:
            actions[verb]()

        await asyncio.wrap_future(self._plane.submit(act()))
        return connector.status()

    def _launch(self) -> None:
        async def launch() -> None:
            self._lives = [
                asyncio.create_task(connector.live(), name=f"{OWNER}{name}:{ASKER}")
                for name, connector in self._connectors.items()
            ]

        self._plane.submit(launch()).result()

    def _budget_spent(self) -> None:
        """All records of `--max-records` are in closed units; any thread."""
        for connector in self._connectors.values():
            connector.stop_soon()
        self._loop.call_soon_threadsafe(self.spent.set)

    # The watchdog.

    async def _watch_plane(self) -> None:
        while True:
            before = time.monotonic()
            await asyncio.sleep(WATCH_SECONDS)
            if time.monotonic() - before > WATCH_SECONDS + 1.0:
                continue  # the whole process stood still: give the other loop time to show its beat
            silence = self._plane.silence()
            if silence.seconds >= SILENT_SECONDS:
                if self._planes == MAX_PLANES:
                    log.critical("too many blocked loops; this one is waited for, by all on it")
                    return
                self._replace_plane(silence)

    def _replace_plane(self, silence: Silence) -> None:
        """Give the silent loop up: revoke its handles, fail who blocks it, start the others."""
        name, _, number = silence.owner.rpartition(":")
        failure = Failure(
            "source.blocks-the-loop",
            "source",
            f"the event loop was blocked for {silence.seconds:.0f} s. Use async calls, or make the"
            f" generator a plain one (it gets a thread). It was at:\n{silence.stack}",
        )
        log.error(
            "event loop blocked; its other tasks start on a fresh one",
            extra={"connector": name, "task": number, "stack": silence.stack},
        )
        old = self._connectors
        for connector in old.values():
            connector.revoke()
        self._plane.abandon()
        self._planes += 1
        self._plane = Plane(self._store, self._schemas, self._budget)
        self._plane.start()
        self._connectors = {
            each: connector.successor(
                self._plane, {int(number): failure} if each == name and number else {}
            )
            for each, connector in old.items()
        }
        self._launch()
