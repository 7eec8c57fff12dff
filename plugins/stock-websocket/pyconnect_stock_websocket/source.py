"""StockWebSocket: live trades over one WebSocket, with what was missed fetched or declared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import AbstractAsyncContextManager, aclosing, nullcontext
from typing import ClassVar

from connectors_core import ConfigError, Offset, Partition, Schema, Source
from pyconnect_stock_websocket.binance import Binance
from pyconnect_stock_websocket.config import StockConfig
from pyconnect_stock_websocket.confirm import Unconfirmed
from pyconnect_stock_websocket.counted import Counted
from pyconnect_stock_websocket.event import Bad, Event, Reply
from pyconnect_stock_websocket.generic import Generic
from pyconnect_stock_websocket.kis import Kis, session_name
from pyconnect_stock_websocket.numbered import Numbered
from pyconnect_stock_websocket.provider import Provider
from pyconnect_stock_websocket.rest import Rest, http_client
from pyconnect_stock_websocket.schema import GAP, TRADE
from pyconnect_stock_websocket.tracker import GAPS, Items, Place, Tracker
from pyconnect_stock_websocket.trade import Trade
from pyconnect_stock_websocket.unordered import Unordered
from pyconnect_stock_websocket.upbit import Upbit
from pyconnect_stock_websocket.wire import Wire

_PROVIDERS: Mapping[str, type[Upbit | Binance | Kis | Generic]] = {
    "upbit": Upbit,
    "binance": Binance,
    "kis": Kis,
    "generic": Generic,
}


class StockWebSocket(Source[StockConfig]):
    """Live trades of an exchange or a broker, each once, with exact numbers.

    What was missed while away is fetched by REST where the provider has a history, and declared on
    the topic `gaps` where not: records and gaps are together everything since the first start.
    """

    name = "stock-websocket"
    topics = (GAPS,)
    schemas: ClassVar[Mapping[str, Schema]] = {"": Schema.avro(TRADE), GAPS: Schema.avro(GAP)}
    testing = "pyconnect_stock_websocket.testing"

    async def open(self) -> None:
        """Refuse what can't work before anything is asked of the provider."""
        self._read_before: set[str] = set()
        self._provider()
        if self.config.provider == "kis" and not self._has_keys():
            raise ConfigError(
                "app_key, app_secret: KIS needs both. Apply at"
                " https://apiportal.koreainvestment.com and set KIS_APP_KEY and KIS_APP_SECRET"
                " in the environment.",
                code="config.stock.key",
            )

    def _has_keys(self) -> bool:
        keys = (self.config.app_key, self.config.app_secret)
        return all(key is not None and key.get_secret_value() for key in keys)

    def _provider(self) -> Provider:
        return _PROVIDERS[self.config.provider](self.config)

    async def partitions(self) -> Iterable[Mapping[str, str]]:
        """One per symbol."""
        provider = self.config.provider
        return [{"provider": provider, "symbol": symbol} for symbol in self.config.listed()]

    async def read_all(self, positions: Mapping[Partition, Offset | None]) -> Items:
        """Catch up by REST, connect once, give the live trades of all symbols of the task.

        Every end of the connection is a Retry: the runtime waits and calls again.
        """
        provider = self._provider()
        async with self._session(), await http_client(self.config.answer_seconds) as client:
            base, rate = provider.rest_url, provider.rest_rate
            await provider.prepare(Rest(client, base, self.context, provider.redactor, rate))
            trackers = self._trackers(provider, positions)
            for tracker in trackers.values():
                async with aclosing(tracker.start()) as items:
                    async for item in items:
                        yield item
            async with (
                Wire(
                    provider.url, provider.habits, provider.redactor, self.config.answer_seconds
                ) as wire,
                aclosing(self._live(wire, provider, trackers)) as items,
            ):
                async for item in items:
                    yield item

    def _session(self) -> AbstractAsyncContextManager[None]:
        if self.config.provider == "kis":
            return self.context.session(session_name(self.config))
        return nullcontext()

    def _trackers(
        self, provider: Provider, positions: Mapping[Partition, Offset | None]
    ) -> dict[str, Tracker]:
        if not self.config.backfill:
            provider.numbered = provider.unordered = None
        found: dict[str, Tracker] = {}
        for partition, offset in positions.items():
            symbol = str(partition["symbol"])
            found[symbol] = self._tracker(self._place(partition, symbol, provider), offset)
            self._read_before.add(symbol)
        return found

    def _place(self, partition: Partition, symbol: str, provider: Provider) -> Place:
        return Place(
            partition=partition,
            symbol=symbol,
            provider=provider,
            backfill_max=self.config.backfill_max,
            overlap_us=round(self.config.overlap_seconds * 1_000_000),
            again=symbol in self._read_before,
        )

    def _tracker(self, place: Place, offset: Offset | None) -> Tracker:
        if self.config.provider == "binance":
            return Numbered(place, offset)
        if place.provider.has_ids:
            return Unordered(place, offset, self.context.state(place.partition))
        return Counted(place, offset)

    async def _live(self, wire: Wire, provider: Provider, trackers: dict[str, Tracker]) -> Items:
        await self._subscribe(wire, provider, list(trackers))
        unconfirmed = Unconfirmed(trackers if provider.habits.confirms else ())
        unconfirmed.start(self.config.confirm_seconds)
        while True:
            frame = await wire.receive(unconfirmed.patience())
            for event in provider.read(frame) if frame is not None else ():
                unconfirmed.hear(event)
                if isinstance(event, Reply):
                    await wire.send(event.text)
                async with aclosing(self._items(event, trackers)) as items:
                    async for item in items:
                        yield item
            unconfirmed.check()

    async def _subscribe(self, wire: Wire, provider: Provider, symbols: list[str]) -> None:
        for message in provider.subscriptions(symbols):
            await self.context.pace(f"ws:{provider.label}", provider.habits.messages_per_second)
            await wire.send(message)

    async def _items(self, event: Event, trackers: dict[str, Tracker]) -> Items:
        if not isinstance(event, Trade | Bad):
            return
        if isinstance(event, Bad) and event.symbol is None:
            # Nobody's frame: the first symbol carries its Reject, so that it is not lost.
            yield next(iter(trackers.values())).reject(event)
            return
        tracker = trackers.get(event.symbol or "")
        if tracker is None:
            return
        if tracker.hole(event):
            async with aclosing(tracker.fill(event)) as items:
                async for item in items:
                    yield item
            self._report(tracker)
        for item in tracker.accept(event):
            yield item

    def _report(self, tracker: Tracker) -> None:
        if tracker.last_gap is not None:
            self.context.report(
                tracker.place.partition, gaps=tracker.gaps, gap=str(tracker.last_gap)
            )
