"""A request that is refused while later ones are taken: what is on its way must be sent again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import randbytes
from typing import Any

import pytest

from connectors_core.api.store import Row, TopicSpec, Transaction
from connectors_core.stores.kafka import KafkaSettings, KafkaStore, session
from connectors_core.stores.kafka.settings import producer_properties
from tests.kafka import oracle, topic
from tests.kafka.cluster import Cluster
from tests.kafka.proxy import Proxies
from tests.kafka.wire import Api, produce_error

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(180)]
NOT_LEADER = 6
ROWS: list[Row] = [(None, randbytes(size), None, ()) for size in (1, 1 << 20, 3 << 20, 1)]
"""Too large for one request: with several in flight, all are on their way at once."""


@pytest.fixture
def proxies(cluster: Cluster) -> Iterator[Proxies]:
    with Proxies(cluster) as proxies:
        yield proxies


@pytest.fixture
def store(cluster: Cluster, proxies: Proxies, tmp_path: Path) -> Iterator[KafkaStore]:
    client = {"bootstrap.servers": cluster.proxied_bootstrap}
    settings = KafkaSettings(client, topic.unique("offsets"))
    topic.create(cluster.bootstrap, settings.offsets_topic, 3, cleanup_policy="compact")
    store = KafkaStore(settings, tmp_path)
    yield store
    store.close()


def stored(
    cluster: Cluster, proxies: Proxies, store: KafkaStore, patience: float
) -> tuple[list[Row], bool]:
    """Commit rows whose first request is refused, as on a topic made just now.

    Return them as they are read back, and whether another request was sent before the refusal,
    which waits for one for `patience` seconds.
    """
    name = topic.unique("refused")
    store.ensure_topics([TopicSpec(name, 1, settings={"max.message.bytes": "8388608"})])
    slot = store.acquire(store.slot_name(topic.unique("c")))
    refusal = proxies[cluster.leader(name)].answer(
        Api.PRODUCE,
        name.encode(),
        lambda request: produce_error(request, name, NOT_LEADER),
        patience,
    )
    slot.commit(Transaction(rows={(name, 0): ROWS}))
    slot.release()
    assert refusal.done.is_set()
    records = oracle.committed(cluster.bootstrap, name)
    return [(None, each.value, None, ()) for each in records], refusal.followed


def test_what_was_refused_is_sent_again_before_what_follows(
    cluster: Cluster, proxies: Proxies, store: KafkaStore
) -> None:
    assert stored(cluster, proxies, store, patience=0.5) == (ROWS, False)


def test_with_five_requests_in_flight_records_vanish_behind_a_commit(
    cluster: Cluster, proxies: Proxies, store: KafkaStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control, and the reason of decision 0011: if it fails, the client may have been mended."""

    def five(*given: Any) -> dict[str, Any]:
        return producer_properties(*given) | {"max.in.flight.requests.per.connection": 5}

    monkeypatch.setattr(session, "producer_properties", five)
    rows, followed = stored(cluster, proxies, store, patience=30)
    assert followed
    assert len(rows) < len(ROWS)
