"""Upstream: a fake market on 127.0.0.1 that speaks every provider's protocol."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Self

import websockets
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request as Handshake
from websockets.http11 import Response as HandshakeAnswer

from connectors_core.testing import HttpUpstream, Request, Response
from pyconnect_stock_websocket.testing.market import (
    Made,
    Market,
    binance_message,
    binance_row,
    kis_frame,
    plain_message,
    upbit_message,
    upbit_row,
)
from pyconnect_stock_websocket.testing.replay import APPROVAL, approval, overlay

HISTORY = 20
DAY_MS, KOREA_MS = 86_400_000, 9 * 3_600_000
PINGPONG_SECONDS = 10.0


@dataclass(eq=False)
class Client:
    """One connection: what it speaks and what it wants."""

    socket: ServerConnection
    dialect: str = ""
    symbols: set[str] = field(default_factory=set)

    async def send(self, *messages: str | bytes) -> None:
        """Send, unless the client has gone."""
        with suppress(websockets.ConnectionClosed):
            for message in messages:
                await self.socket.send(message)


class Upstream:
    """`async with Upstream() as upstream:` runs a WebSocket and an HTTP server until the end.

    It knows from the first message which provider is meant. Every symbol that is asked for trades,
    `rate` times a second (0: only by `trade`), and has a history. `connections` counts the
    handshakes, refused ones too; `received` has what clients sent, `echoed` their PINGPONGs.
    """

    def __init__(self, *, rate: float = 5.0) -> None:
        self.rate = rate
        self.markets: dict[str, Market] = {}
        self.connections = 0
        self.received: list[str] = []
        self.echoed: list[str] = []
        self.refusals: deque[tuple[int, Mapping[str, str]]] = deque()
        self.rest_answers: deque[Response] = deque()
        self.subscribe_answer: str | None = None
        self.close_at_once: int | None = None
        self.clients: set[Client] = set()
        self._changed = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        self._stack = AsyncExitStack()
        self._http = await self._stack.enter_async_context(HttpUpstream(self._rest))
        server = await self._stack.enter_async_context(
            serve(
                self._serve,
                "127.0.0.1",
                0,
                process_request=self._greet,
                ping_interval=None,
                logger=_quiet(),
            )
        )
        self.port = server.sockets[0].getsockname()[1]
        self._tasks = [asyncio.create_task(self._ping())]
        if self.rate > 0:
            self._tasks.append(asyncio.create_task(self._tick()))
        return self

    async def __aexit__(self, *error: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._stack.aclose()

    def config(self) -> dict[str, Any]:
        """Return the options to lay over a connector's, whichever provider it names."""
        return overlay(self.port, self._http.url)

    @property
    def requests(self) -> list[Request]:
        """The HTTP requests that came."""
        return self._http.requests

    def market(self, symbol: str) -> Market:
        """Return a symbol's market; a new one has traded a little in the last seconds."""
        if symbol not in self.markets:
            now = time.time_ns() // 1_000_000
            market = self.markets[symbol] = self._opened(symbol, now)
            for back in range(HISTORY, 0, -1):
                market.make(now - back * 500)
        return self.markets[symbol]

    def _opened(self, symbol: str, now: int) -> Market:
        """A market that trades by itself goes on from its last run: its ids and volumes follow the
        clock, faster than it trades, so that offsets of that run stay behind them."""
        if not self.rate:
            return Market(symbol)
        return Market(symbol, number=now // 10, volume=(now + KOREA_MS) % DAY_MS)

    async def trade(self, symbol: str, count: int = 1, *, live: bool = True) -> list[Made]:
        """Make trades; `live=False`: the stream loses them, the history has them."""
        now = time.time_ns() // 1_000_000
        made = [self.market(symbol).make(now) for _ in range(count)]
        if live:
            await self.send(symbol, made)
        return made

    async def send(self, symbol: str, trades: list[Made]) -> None:
        """Send trades to everyone who asked for the symbol."""
        for client in list(self.clients):
            if symbol in client.symbols:
                await client.send(*_messages(client.dialect, trades))

    async def drop(self, code: int = 1001) -> None:
        """Close every connection."""
        for client in list(self.clients):
            await client.socket.close(code)

    async def subscribed(self, symbol: str, connections: int = 1) -> None:
        """Wait until the symbol is asked for on at least the n-th connection."""
        while self.connections < connections or not any(
            symbol in client.symbols for client in self.clients
        ):
            self._changed.clear()
            await self._changed.wait()

    def expected(self, provider: str, symbol: str, after: int = HISTORY) -> list[str]:
        """Return the event ids of all trades made after the first `after`, in their order."""
        made = [each for each in self.market(symbol).trades if each.number > after]
        return [event_id(provider, each) for each in made]

    def _greet(self, socket: ServerConnection, request: Handshake) -> HandshakeAnswer | None:
        self.connections += 1
        if not self.refusals:
            return None
        status, headers = self.refusals.popleft()
        answer = socket.respond(HTTPStatus(status), "refused\n")
        answer.headers.update(headers)
        return answer

    async def _serve(self, socket: ServerConnection) -> None:
        if self.close_at_once is not None:
            await socket.close(self.close_at_once)
            return
        client = Client(socket)
        self.clients.add(client)
        try:
            async for message in socket:
                text = message if isinstance(message, str) else message.decode()
                self.received.append(text)
                await self._speak(client, text)
        except websockets.ConnectionClosed:
            pass  # the client went away, which is its right
        finally:
            self.clients.discard(client)

    async def _speak(self, client: Client, text: str) -> None:
        if text == "PING":
            await client.send('{"status":"UP"}')
            return
        message = json.loads(text)
        if self.subscribe_answer is not None:
            await client.send(self.subscribe_answer)
        elif isinstance(message, list):
            await self._upbit(client, message)
        elif "method" in message:
            await self._binance(client, message)
        elif "header" in message:
            await self._kis(client, message, text)
        else:
            self._want(client, "plain", [str(message.get("symbol", ""))])
        self._changed.set()

    def _want(self, client: Client, dialect: str, symbols: list[str]) -> None:
        client.dialect = dialect
        client.symbols.update(symbols)
        for symbol in symbols:
            self.market(symbol)

    async def _upbit(self, client: Client, message: list[dict[str, Any]]) -> None:
        codes = [code for part in message for code in part.get("codes", [])]
        self._want(client, "upbit", codes)
        for code in codes:
            await client.send(upbit_message(self.market(code).trades[-1], "SNAPSHOT"))

    async def _binance(self, client: Client, message: dict[str, Any]) -> None:
        if message["method"] != "SUBSCRIBE":
            streams = [f"{symbol.lower()}@trade" for symbol in sorted(client.symbols)]
            await client.send(json.dumps({"result": streams, "id": message["id"]}))
            return
        symbols = [name.partition("@")[0].upper() for name in message["params"]]
        self._want(client, "binance", symbols)
        await client.send(json.dumps({"result": None, "id": message["id"]}))

    async def _kis(self, client: Client, message: dict[str, Any], text: str) -> None:
        header = message["header"]
        if header.get("tr_id") == "PINGPONG":
            self.echoed.append(text)
            return
        symbol = message["body"]["input"]["tr_key"]
        if header.get("approval_key") != APPROVAL:
            await client.send(_kis_reply(symbol, "1", "OPSP0011", "invalid approval : NOT FOUND"))
        elif any(each.dialect == "kis" for each in self.clients - {client}):
            await client.send(_kis_reply("", "9", "OPSP8996", "ALREADY IN USE appkey"))
        else:
            self._want(client, "kis", [symbol])
            await client.send(_kis_reply(symbol, "0", "OPSP0000", "SUBSCRIBE SUCCESS"))

    async def _tick(self) -> None:
        turn = 0
        while True:
            for symbol in sorted({symbol for each in self.clients for symbol in each.symbols}):
                turn += 1
                await self.trade(symbol, 1 + turn % 3)
            # Two trades a round on the average, so that `rate` is a symbol's.
            await asyncio.sleep(2 / self.rate)

    async def _ping(self) -> None:
        while True:
            await asyncio.sleep(PINGPONG_SECONDS)
            await self.pingpong()

    async def pingpong(self) -> str:
        """Send KIS's PINGPONG to its clients; return it."""
        text = json.dumps({"header": {"tr_id": "PINGPONG", "datetime": f"{time.time_ns()}"}})
        for client in list(self.clients):
            if client.dialect == "kis":
                await client.send(text)
        return text

    def _rest(self, request: Request) -> Response:
        if self.rest_answers:
            return self.rest_answers.popleft()
        if request.path == "/oauth2/Approval":
            return approval(request)
        if request.path == "/api/v3/historicalTrades":
            return self._binance_history(request.query)
        if request.path == "/v1/trades/ticks":
            return self._upbit_history(request.query)
        return Response(404, json.dumps({"error": {"name": 404, "message": "no such path"}}))

    def _binance_history(self, query: Mapping[str, str]) -> Response:
        trades = list(self.market(query["symbol"]).trades)
        limit = int(query.get("limit", "500"))
        if "fromId" in query:
            first = int(query["fromId"])
            page = [made for made in trades if made.number >= first][:limit]
        else:
            page = trades[-limit:]
        return Response(body=json.dumps([binance_row(made) for made in page]))

    def _upbit_history(self, query: Mapping[str, str]) -> Response:
        trades = list(self.market(query["market"]).trades)
        if "cursor" in query:
            trades = [made for made in trades if made.upbit_id < int(query["cursor"])]
        if int(query.get("days_ago", "0")) and trades:
            trades = []  # all that there is was traded today
        page = trades[::-1][: int(query.get("count", "1"))]
        return Response(body=f"[{','.join(upbit_row(made) for made in page)}]")


def _quiet() -> logging.Logger:
    """Return a logger that writes no frames, so that what is logged is the client's doing."""
    logger = logging.getLogger("pyconnect_stock_websocket.testing")
    logger.setLevel(logging.INFO)
    return logger


def event_id(provider: str, made: Made) -> str:
    """Return the event id that a trade must get; KIS's place in its frame left out."""
    own: object = made.number
    if provider == "upbit":
        own = made.upbit_id
    if provider == "kis":
        own = f"{made.korean:%Y%m%d}:{made.korean:%H%M%S}:{made.volume}"
    return f"{provider}:{made.symbol}:{own}"


def _messages(dialect: str, trades: list[Made]) -> list[str | bytes]:
    if dialect == "kis":
        return [kis_frame(trades)]
    one: Mapping[str, Callable[[Made], str | bytes]] = {
        "upbit": upbit_message,
        "binance": binance_message,
        "plain": plain_message,
    }
    return [one[dialect](made) for made in trades]


def _kis_reply(symbol: str, outcome: str, code: str, message: str) -> str:
    header = {"tr_id": "H0STCNT0", "tr_key": symbol, "encrypt": "N"}
    body = {"rt_cd": outcome, "msg_cd": code, "msg1": message}
    return json.dumps({"header": header, "body": body})
