"""`pyconnect run`: from files to a herder, until a signal, a limit, or the end of all sources."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from connectors_core.api.errors import ConfigError
from connectors_core.app.control import ControlServer
from connectors_core.app.playground import Playground, playground_dir
from connectors_core.app.plugins import build_catalogue, load
from connectors_core.app.specs import SpecMaker
from connectors_core.app.storage import check_producers, owned_store
from connectors_core.avro.registry import EmbeddedRegistry
from connectors_core.configs.model import ConnectorConfig
from connectors_core.configs.providers import Providers
from connectors_core.configs.worker.place import LogPlace
from connectors_core.herder.model import ConnectorStatus, Summary
from connectors_core.herder.standalone import Standalone
from connectors_core.runtime import crash

log = logging.getLogger(__name__)
TICK_SECONDS = 0.2
Show = Callable[[Sequence[ConnectorStatus]], None]


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What `pyconnect run` was asked: `seconds` counts from the first running task."""

    paths: Sequence[Path]
    plugins: Sequence[Path] = ()
    place: LogPlace = dataclasses.field(default_factory=LogPlace)
    seconds: float | None = None
    max_records: int | None = None
    playground: bool = False


def run(options: RunOptions, show: Show | None = None, interval: float = 1.0) -> Summary:
    """Run connectors; blocking. `show` is called on this thread every `interval` seconds.

    SIGTERM and SIGINT stop gracefully; a second one ends the process at once (143, 130). Raises
    ConfigError with all mistakes of all files before anything starts, StoreError if the log can't
    be had.
    """
    if armed := os.environ.get("PYCONNECT_CRASH"):
        crash.arm(armed)
    place = _playground(options.place) if options.playground else options.place
    catalogue = build_catalogue(options.plugins)
    # No key of a real upstream is needed, or used, in the playground.
    providers = Providers(absent="playground") if options.playground else Providers()
    configs = load(options.paths, catalogue, providers)
    check_producers(place, configs)
    options = dataclasses.replace(options, place=place)
    return asyncio.run(_run(options, SpecMaker(catalogue, providers), configs, show, interval))


def _playground(place: LogPlace) -> LogPlace:
    """Return where the playground's log is: what its fake upstreams say never meets real feeds."""
    if place.kafka is not None:
        raise ConfigError(
            f"--playground keeps its records in a data directory, and {place.kafka.said_by} names"
            " a Kafka cluster, where they would meet real ones. Leave one of the two out.",
            code="config.playground",
        )
    return LogPlace(playground_dir(place.data_dir))


async def _run(
    options: RunOptions,
    maker: SpecMaker,
    configs: Sequence[ConnectorConfig],
    show: Show | None,
    interval: float,
) -> Summary:
    place = options.place
    async with AsyncExitStack() as stack:
        store = await asyncio.to_thread(stack.enter_context, owned_store(place, configs))
        registry = EmbeddedRegistry(store.schemas())
        overlays: dict[str, Mapping[str, Any]] = {}
        if options.playground:
            playground = await stack.enter_async_context(Playground())
            for config in configs:
                name = config.options.name
                overlays[name] = await playground.overlay(name, config.source)
        specs = [maker.spec(each, registry, overlays.get(each.options.name)) for each in configs]
        herder = Standalone(specs, store, registry, options.max_records)
        control = ControlServer(place.data_dir, _answers(herder))
        stop = _on_signals()
        await herder.start()
        try:
            await control.start()
            await _until_done(herder, options.seconds, stop, show, interval)
        finally:
            await control.close()
            await herder.stop()
        return herder.summary()


async def _until_done(
    herder: Standalone,
    seconds: float | None,
    stop: asyncio.Event,
    show: Show | None,
    interval: float,
) -> None:
    ends_at: float | None = None
    shown_at = 0.0
    while not (stop.is_set() or herder.spent.is_set() or herder.ended()):
        now = time.monotonic()
        if seconds is not None and ends_at is None and herder.running():
            ends_at = now + seconds
        if ends_at is not None and now >= ends_at:
            break
        if show is not None and now - shown_at >= interval:
            shown_at = now
            show(herder.statuses())
        try:
            async with asyncio.timeout(TICK_SECONDS):
                await stop.wait()
        except TimeoutError:
            continue


def _on_signals() -> asyncio.Event:
    """Return an event that the first SIGTERM or SIGINT sets; the second ends the process."""
    stop = asyncio.Event()

    def on_signal(number: signal.Signals) -> None:
        if stop.is_set():
            os._exit(128 + number)
        log.info("stopping", extra={"signal": number.name})
        stop.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal, number)
    return stop


def _answers(herder: Standalone) -> Any:
    async def answer(request: Mapping[str, Any]) -> dict[str, Any]:
        verb, name = request["command"], request.get("connector")
        if verb == "status":
            return {"connectors": [dataclasses.asdict(each) for each in herder.statuses()]}
        if verb not in ("pause", "resume", "restart") or not isinstance(name, str):
            raise ConfigError(f"unknown command {verb!r}.", code="control.request")
        return {"connectors": [dataclasses.asdict(await herder.command(verb, name))]}

    return answer
