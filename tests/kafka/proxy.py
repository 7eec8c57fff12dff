"""A proxy before one broker that knows requests from each other, and errs only when it is told to.

It holds the n-th request of a kind and delivers it when the test says so, also when its client is
gone by then: what a network does to a packet that was sent, and that nobody waits for any more.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping
from contextlib import ExitStack, suppress
from typing import Any, TypeVar

from tests.kafka.broker import HOST
from tests.kafka.cluster import Cluster
from tests.kafka.link import Link
from tests.kafka.wire import api_key, read_frame

T = TypeVar("T")
SECONDS = 30.0


class Held:
    """A request that is held back, or will be when it comes."""

    def __init__(self, proxy: Proxy, api: int, nth: int) -> None:
        self.proxy, self.api, self.left = proxy, api, nth
        self.request = b""
        self.link: Link | None = None
        self.came = threading.Event()

    def wait(self, seconds: float = SECONDS) -> None:
        """Wait until the request is held; one that does not come is an error."""
        if not self.came.wait(seconds):
            raise TimeoutError(
                f"proxy of port {self.proxy.target}: no request {self.api} to hold in "
                f"{seconds:.0f} s; seen: {dict(self.proxy.counts)}"
            )

    def deliver(self) -> bytes:
        """Send it to the broker now, and return the broker's answer.

        Goes over the connection it came by, so that the client gets the answer too; over a fresh
        one if that was cut.
        """
        assert self.came.is_set(), "nothing is held yet: wait() before deliver()"
        request, self.request = self.request, b""
        assert request, "it was delivered already"
        return self.proxy.call(self.proxy.send(request, self.link))


class Refusal:
    """Answers the first request of an API that `matches`, and no other, in the broker's stead.

    The answer waits until the next such request is on its way, or for `patience` seconds: a client
    with several in flight learns of the refusal after it has sent what follows, on any machine.
    """

    def __init__(
        self, api: int, matches: bytes, reply: Callable[[bytes], bytes], patience: float
    ) -> None:
        self.api, self.matches, self.reply, self.patience = api, matches, reply, patience
        self.held: tuple[Link, bytes] | None = None
        self.done = threading.Event()
        self.followed = False
        """Whether another request came before the answer."""

    def takes(self, request: bytes, link: Link) -> bool:
        """Say whether this is the request; if it follows that one, answer that one first."""
        if self.done.is_set() or api_key(request) != self.api or self.matches not in request:
            return False
        if self.held is not None:
            self.followed = True
            self.give()
            return False
        self.held = link, request
        asyncio.get_running_loop().call_later(self.patience, self.give)
        return True

    def give(self) -> None:
        """Answer, unless this is done."""
        if self.held is not None and not self.done.is_set():
            link, request = self.held
            link.answer(self.reply(request))
            self.done.set()


class Proxy:
    """Passes frames between the clients that connect to `port` and the broker on `target`.

    Every method may be called from any thread, and has taken effect when it returns.
    """

    def __init__(self, port: int, target: int) -> None:
        self.port, self.target = port, target
        self.counts: Counter[int] = Counter()
        """Requests that clients sent, by API key; those that were held among them."""
        self.links: set[Link] = set()
        self.serving: set[asyncio.Task[None]] = set()
        self.holds: list[Held] = []
        self.refusals: list[Refusal] = []
        self.delay = 0.0
        self.listener: socket.socket | None = None
        self.open, self.over = asyncio.Event(), asyncio.Event()
        self.loop: asyncio.AbstractEventLoop

    def start(self) -> None:
        """Take clients."""
        runner = asyncio.Runner(loop_factory=asyncio.new_event_loop)
        self.loop = runner.get_loop()
        name = f"proxy-{self.port}"
        self.thread = threading.Thread(target=self.run, args=[runner], name=name, daemon=True)
        self.thread.start()
        try:
            self.restore()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Cut every connection, take no more, and end the thread."""
        self.refuse()
        self.loop.call_soon_threadsafe(self.over.set)
        self.thread.join(SECONDS)

    def run(self, runner: asyncio.Runner) -> None:
        """Be the proxy's thread: its loop, until close()."""
        with runner:
            runner.run(self.over.wait())

    def hold(self, api: int, nth: int = 1) -> Held:
        """Hold back the n-th request of an API that comes from now on; all others pass."""
        held = Held(self, api, nth)
        self.call(self.add(held))
        return held

    def answer(
        self, api: int, matches: bytes, reply: Callable[[bytes], bytes], patience: float
    ) -> Refusal:
        """Answer the next request of an API that has these bytes in it; all others pass."""
        refusal = Refusal(api, matches, reply, patience)
        self.refusals.append(refusal)
        return refusal

    def cut(self) -> None:
        """Cut every connection that was taken; new ones are welcome."""
        self.call(self.drop())

    def slow(self, seconds: float) -> None:
        """Deliver every frame, in both directions, so much later than it came."""
        self.delay = seconds

    def blackhole(self) -> None:
        """Go on taking connections and bytes, and pass nothing until restore()."""
        self.call(self.shut())

    def refuse(self) -> None:
        """Cut every connection, and refuse new ones until restore()."""
        self.call(self.unlisten())

    def restore(self) -> None:
        """Pass everything, at once; a black hole gives back what it took."""
        self.delay = 0.0
        self.call(self.listen())

    def call(self, work: Coroutine[Any, Any, T]) -> T:
        """Run something in the proxy's loop, and return its result."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(SECONDS)

    async def add(self, held: Held) -> None:
        self.holds.append(held)

    async def shut(self) -> None:
        self.open.clear()

    async def listen(self) -> None:
        self.open.set()
        if self.listener is None:
            # asyncio's own server loses a connection that it took in the instant before close().
            self.listener = socket.create_server((HOST, self.port))
            self.listener.setblocking(False)
            self.loop.add_reader(self.listener, self.accept, self.listener)

    async def unlisten(self) -> None:
        if self.listener is not None:
            self.loop.remove_reader(self.listener)
            self.listener.close()
            self.listener = None
        await self.drop()

    def accept(self, listener: socket.socket) -> None:
        """Take one client."""
        with suppress(BlockingIOError):
            client, _ = listener.accept()
            client.setblocking(False)
            serving = self.loop.create_task(self.serve(client, listener))
            self.serving.add(serving)
            serving.add_done_callback(self.serving.discard)

    async def drop(self) -> None:
        links = list(self.links)
        for link in links:
            link.cut()
        await asyncio.gather(*(link.ended.wait() for link in links))

    async def serve(self, client: socket.socket, listener: socket.socket) -> None:
        """Pass what one client says, until it or the broker goes or the connection is cut."""
        reader, writer = await asyncio.open_connection(sock=client)
        if self.listener is not listener:
            # It was taken in the instant before refuse().
            writer.transport.abort()
            return
        link = Link(self, reader, writer)
        self.links.add(link)
        try:
            await link.run(self.target)
        finally:
            self.links.discard(link)
            link.ended.set()

    def passes(self, request: bytes, link: Link) -> bool:
        """Count a request; say whether it goes on, or is held."""
        api = api_key(request)
        self.counts[api] += 1
        for refusal in self.refusals:
            if refusal.takes(request, link):
                return False
        for held in self.holds:
            if held.api == api:
                held.left -= 1
                if not held.left:
                    self.holds.remove(held)
                    held.request, held.link = request, link
                    held.came.set()
                    return False
        return True

    async def send(self, request: bytes, link: Link | None) -> bytes:
        """Send a request over its link, or over a fresh connection; return the answer."""
        if link is not None and link in self.links:
            return await link.ask(request)
        reader, writer = await asyncio.open_connection(HOST, self.target)
        try:
            writer.write(request)
            return await read_frame(reader)
        finally:
            writer.close()
            await writer.wait_closed()


class Proxies:
    """One proxy before every broker of a cluster, while the block runs."""

    def __init__(self, cluster: Cluster) -> None:
        self.of: Mapping[int, Proxy] = {
            node: Proxy(broker.front, broker.behind) for node, broker in cluster.brokers.items()
        }

    def __getitem__(self, node: int) -> Proxy:
        return self.of[node]

    def __enter__(self) -> Proxies:
        with ExitStack() as started:
            for proxy in self.of.values():
                proxy.start()
                started.callback(proxy.close)
            self.started = started.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self.started.close()
