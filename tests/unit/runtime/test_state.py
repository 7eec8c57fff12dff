"""Keyed state: read your own writes, in the order of the keys' UTF-8 bytes, on any store."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors_core import Batch, Config, Record, Retry, Source
from connectors_core.api.errors import ContractError
from connectors_core.runtime.state import Overlay, StateView, encode_state


class Committed:
    """A committed state in a dict."""

    def __init__(self, values: dict[str, str]) -> None:
        self.values = values

    def get_many(self, keys: Sequence[str]) -> dict[str, str]:
        return {key: self.values[key] for key in keys if key in self.values}

    def scan(self, prefix: str, after: str, limit: int) -> list[tuple[str, str]]:
        keys = sorted(self.values, key=str.encode)
        found = [key for key in keys if key.startswith(prefix) and key.encode() > after.encode()]
        return [(key, self.values[key]) for key in found[:limit]]


KEYS = st.sampled_from(["", "a", "b", "aa", "é", "\uffff", "\U0001f600", "b|1", "b|2"])
NAMES = KEYS.filter(bool)


@given(
    committed=st.dictionaries(NAMES, st.integers().map(str)),
    writes=st.lists(st.dictionaries(NAMES, st.none() | st.integers())),
    prefix=KEYS,
    after=KEYS,
    limit=st.integers(1, 12),
)
def test_reads_equal_those_of_one_map(
    committed: dict[str, str],
    writes: list[dict[str, int | None]],
    prefix: str,
    after: str,
    limit: int,
) -> None:
    overlay = Overlay()
    model: dict[str, Any] = {key: int(value) for key, value in committed.items()}
    for write in writes:
        overlay.put(encode_state(write))
        model |= write
    model = {key: value for key, value in model.items() if value is not None}
    view = StateView(Committed(committed), overlay)
    expected = sorted(
        ((k, v) for k, v in model.items() if k.startswith(prefix) and k.encode() > after.encode()),
        key=lambda pair: pair[0].encode(),
    )
    assert view.scan(prefix, after=after, limit=limit) == expected[:limit]
    assert view.get_many(model) == model
    assert all(view.get(key) == model.get(key) for key in ["a", "b", "zz"])


def test_what_is_committed_leaves_the_overlay_and_nothing_else_does() -> None:
    overlay = Overlay()
    first = overlay.put({"a": "1", "b": "1"})
    overlay.put({"b": "2"})
    overlay.forget(first)
    assert overlay.of(["a", "b"]) == {"b": "2"}


@pytest.mark.parametrize(
    "state",
    [
        {"": 1},
        {"k" * 1025: 1},
        {"\ud800": 1},
        {5: 1},
        {"k": {1, 2}},
        {"k": float("nan")},
        {"k": "x" * (256 * 1024)},
        {"k": "\ud800"},
    ],
)
def test_what_json_can_not_hold_is_refused_by_name(state: dict[Any, Any]) -> None:
    with pytest.raises(ContractError, match="state") as caught:
        encode_state(state)
    assert caught.value.code == "source.state"


async def test_a_generator_reads_what_it_yielded_and_a_new_one_what_is_committed(lab: Any) -> None:
    seen: list[Any] = []

    class Counts(Source[Config]):
        name = "counts"

        async def read(self, partition: Any, offset: Any) -> AsyncIterator[Any]:
            state = self.context.state(partition)
            first = state.get("n") or 0
            seen.append(first)
            for n in range(first + 1, first + 4):
                yield Batch([Record(n)], offset={"n": n}, state={"n": n, f"row|{n}": n})
                assert state.get("n") == n
                assert [key for key, _ in state.scan("row|")][-1] == f"row|{n}"
            if len(seen) == 1:
                raise Retry(after=0.01)

    await lab.run(lab.spec(Counts))
    assert seen == [0, 3]
    assert lab.values() == [1, 2, 3, 4, 5, 6]


async def test_state_of_a_batch_that_was_not_committed_is_gone(lab: Any) -> None:
    seen: list[Any] = []

    class Fails(Source[Config]):
        name = "fails"

        async def read(self, partition: Any, offset: Any) -> AsyncIterator[Any]:
            seen.append(self.context.state(partition).get("k"))
            yield Batch([Record(object())], offset={"n": 1}, state={"k": 1})

    await lab.run(lab.spec(Fails))
    await lab.run(lab.spec(Fails))
    assert seen == [None, None]
