"""A slot that commits numbers, while requests of its producer are held and delivered late."""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from connectors_core.api.errors import StoreError
from connectors_core.api.store import Transaction
from connectors_core.stores.kafka import KafkaSettings, KafkaStore
from connectors_core.stores.kafka.session import Session
from tests.kafka import oracle
from tests.kafka.cluster import Cluster
from tests.kafka.proxy import Held, Proxies, Proxy
from tests.kafka.topic import create, unique
from tests.kafka.wire import Api

FLUSH_SECONDS = 20.0
LATE = (Api.END_TXN, Api.PRODUCE, Api.INIT_PRODUCER_ID)


class GivenUpError(Exception):
    """Raised amid a commit: its transaction is to be aborted."""


class Numbers:
    """Commits 1, 2, 3 ... each with its offset, and after a failure what the offset says is next."""

    def __init__(
        self, cluster: Cluster, proxies: Proxies, folder: Path, timeout_ms: int = 60_000
    ) -> None:
        self.cluster, self.proxies = cluster, proxies
        self.name = unique("late")
        create(cluster.bootstrap, self.name, 1, min_insync_replicas=2)
        # The client takes no transaction that is shorter than a request may last.
        client = {
            "bootstrap.servers": cluster.proxied_bootstrap,
            "socket.timeout.ms": str(min(timeout_ms, 10_000)),
        }
        settings = KafkaSettings(client, transaction_timeout_ms=timeout_ms)
        self.amid: dict[str, Callable[[], None]] = {}
        self.store = KafkaStore(settings, folder / self.name, crash=self.reach)
        self.id = self.store.slot_name(self.name)
        self.slot = self.store.acquire(self.id)

    def __enter__(self) -> Numbers:
        return self

    def __exit__(self, *_: object) -> None:
        self.slot.release()
        self.store.close()

    @property
    def session(self) -> Session:
        """The producer that the slot has now."""
        session = self.slot._session
        assert isinstance(session, Session)
        return session

    def reach(self, point: str) -> None:
        """Do once what was asked for amid a commit.

        At `write` the records are produced, at `commit` the offsets too.
        """
        if point in self.amid:
            self.amid.pop(point)()

    def sent(self) -> None:
        """Wait until the brokers have what the open transaction has produced."""
        assert not self.session._producer.flush(FLUSH_SECONDS)

    def give_up(self) -> None:
        """End the commit under way by an error of ours."""
        raise GivenUpError

    def next(self) -> int:
        """Return the number that comes after the committed offset."""
        found = self.slot.offsets(self.name)
        return int(json.loads(found["{}"])["n"]) + 1 if found else 1

    def commit(self) -> StoreError | None:
        """Commit the next number; return why that failed. Whatever comes of it, the offset knows."""
        n = self.next()
        rows = {(self.name, 0): [(None, str(n).encode(), None, ())]}
        offsets = {(self.name, "{}"): json.dumps({"n": n})}
        try:
            self.slot.commit(Transaction(rows=rows, offsets=offsets))  # type: ignore[arg-type]
        except StoreError as error:
            return error
        except GivenUpError:
            pass
        return None

    def seen(self) -> list[int]:
        """Return what a reader of committed records sees."""
        return [
            int(each.value or b"") for each in oracle.committed(self.cluster.bootstrap, self.name)
        ]

    def right(self) -> bool:
        """Say whether every number to the committed offset is there once and in order."""
        return self.seen() == list(range(1, self.next()))

    def broker_of(self, api: Api) -> Proxy:
        """Return the proxy before the broker that gets these requests."""
        to_leader = api is Api.PRODUCE
        node = self.cluster.leader(self.name) if to_leader else self.cluster.coordinator(self.id)
        return self.proxies[node]

    @contextmanager
    def held(self, api: Api) -> Iterator[Held]:
        """Hold the next request of a kind, and cut the connection it came by: it is sent again.

        The block has to make the slot send one. Afterwards the held one may be delivered late.
        """
        proxy = self.broker_of(api)
        held = proxy.hold(api)

        def cut() -> None:
            held.wait()
            proxy.cut()

        cutting = threading.Thread(target=cut, name="cut")
        cutting.start()
        try:
            yield held
        finally:
            cutting.join()

    def send_one(self, api: Api) -> None:
        """Make the slot send a request of this kind."""
        if api is Api.INIT_PRODUCER_ID:
            self.slot._end_session()  # the next commit needs a new producer
        self.commit()

    def round(self, clock: random.Random) -> None:
        """Hold one request, go on for a while, and deliver it amid a commit that may be aborted."""
        api = clock.choice(LATE)
        with self.held(api) as held:
            self.send_one(api)
        for _ in range(clock.randrange(2)):
            self.commit()
        point, aborted = clock.choice(["write", "commit"]), clock.random() < 0.5

        def amid() -> None:
            self.sent()
            held.deliver()
            if aborted:
                self.give_up()

        self.amid[point] = amid
        self.commit()
        self.commit()
