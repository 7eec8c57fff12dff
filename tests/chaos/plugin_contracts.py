"""The plugins' contracts, for kills: markets open by no clock here, but when an offset is durable."""

from __future__ import annotations

import asyncio
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlencode, urlsplit

from connectors_core.testing import Request, Response
from pyconnect_stock_websocket import StockWebSocket
from pyconnect_stock_websocket.testing import Client, Upstream

PLUGINS = Path(__file__).parents[2] / "plugins"
NAMES = (
    "file-lines.TestFinished",
    "file-lines.TestFollowed",
    "keyword-trends.TestTrendingFeed",
    "keyword-trends.TestWindows",
    "stock-websocket.TestBinance",
    "stock-websocket.TestUpbit",
    "web-crawler.TestCrawl",
    "web-crawler.TestRecrawl",
)
"""Those that are replayable; the contract of the others asks nothing of a restart."""


def module(plugin: str) -> ModuleType:
    """Load a plugin's contract from its file, which is how a child process finds it too.

    pytest's importlib mode gives these files names that no import statement reaches.
    """
    name = f"contract_of_{plugin.replace('-', '_')}"
    if name not in sys.modules:
        file = PLUGINS / plugin / "tests/test_contract.py"
        spec = importlib.util.spec_from_file_location(name, file)
        assert spec is not None and spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


def contract(name: str) -> Any:
    """Return a contract, as `plugin.Class`."""
    plugin, _, cls = name.partition(".")
    return DURABLE.get(name) or getattr(module(plugin), cls)


markets: Any = module("stock-websocket")
markets.WAKE_SECONDS = 0.0  # of this copy of the module


class Told(StockWebSocket):
    """Tells the market of which symbols an offset is durable."""

    async def committed(self, partition: Any, offset: Any) -> None:
        url = urlsplit(self.config.rest_url or "")
        reader, writer = await asyncio.open_connection(url.hostname, url.port)
        try:
            query = urlencode({"symbol": partition["symbol"]})
            writer.write(f"GET /durable?{query} HTTP/1.1\r\nHost: market\r\n\r\n".encode())
            await reader.readline()
        finally:
            writer.close()


class Opening(markets.Scripted):  # type: ignore[misc]
    """A market that makes its trades when they are promised: from the first durable offset on.

    And when somebody listens, because nothing is missed before something comes.
    """

    def __init__(self) -> None:
        super().__init__()
        self._durable: set[str] = set()

    def _want(self, client: Client, dialect: str, symbols: list[str]) -> None:
        Upstream._want(self, client, dialect, symbols)
        self._open_those()

    def _rest(self, request: Request) -> Response:
        if request.path != "/durable":
            return Upstream._rest(self, request)
        self._durable.add(request.query["symbol"])
        self._open_those()
        return Response(body="{}")

    def _open_those(self) -> None:
        heard = {symbol for client in self.clients for symbol in client.symbols}
        fresh = sorted((self._durable & heard) - self._asked)
        self._asked.update(fresh)
        self._tasks += [asyncio.create_task(self._open(symbol)) for symbol in fresh]


class OpeningBinance(Opening, markets.BinanceMarket):  # type: ignore[misc]
    pass


class OpeningUpbit(Opening, markets.UpbitMarket):  # type: ignore[misc]
    pass


class Binance(markets.TestBinance):  # type: ignore[misc]
    source = Told
    upstream = OpeningBinance


class Upbit(markets.TestUpbit):  # type: ignore[misc]
    source = Told
    upstream = OpeningUpbit


DURABLE = {"stock-websocket.TestBinance": Binance, "stock-websocket.TestUpbit": Upbit}
