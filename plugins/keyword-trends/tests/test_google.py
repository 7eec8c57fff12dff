"""Polling a feed, and what is made of what changed."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from connectors_core import Batch, OffsetError, Partition, Retry
from connectors_core.testing import HttpUpstream, MemoryContext, Request, Response
from pyconnect_keyword_trends import KeywordTrends
from pyconnect_keyword_trends.config import TrendsConfig
from pyconnect_keyword_trends.testing import Answer, Replay, Upstream
from pyconnect_keyword_trends.testing.scripted import feed

PLACE = Partition({"provider": "google-rss", "geo": "KR"})
CAPTCHA = b"<!DOCTYPE html><html><body>unusual traffic</body></html>"


def made(*items: tuple[str, str, float | None]) -> Answer:
    """Answer with a feed."""
    return Answer(200, feed(items))


async def polls(
    url: str, context: MemoryContext, count: int, place: Partition = PLACE, **more: Any
) -> None:
    """Apply `count` polls."""
    options = {"provider": "google-rss", "base_url": url, "poll_interval": 100, **more}
    source = KeywordTrends(TrendsConfig.model_validate(options), context)
    assert await context.run(source, place, limit=count) == count


def told(context: MemoryContext) -> list[tuple[str, str, int | None]]:
    """Return (change, term, volume) of every record."""
    values = [record.value for record in context.records]
    return [(value.change.value, value.term, value.volume_min) for value in values]


async def play(*answers: Answer) -> MemoryContext:
    """Poll each answer once."""
    context = MemoryContext()
    async with Upstream(feeds=answers) as server:
        await polls(str(server.config()["base_url"]), context, len(answers))
    return context


async def test_changes_are_told_and_nothing_else() -> None:
    context = await play(
        made(("태풍", "500+", 9.0), ("수능", "1K+", 9.0)),
        made(("태풍", "500+", 9.0), ("수능", "1K+", 9.0)),
        made(("태풍", "2K+", 9.0), ("수능", "500+", 9.0)),
        made(("수능", "500+", 9.0), ("태풍", "2K+", 9.0)),
    )
    # The last feed has the news the other way round, which is news for both.
    assert told(context) == [
        ("NEW", "태풍", 500),
        ("NEW", "수능", 1000),
        ("UP", "태풍", 2000),
        ("UPDATED", "수능", 500),
        ("UPDATED", "수능", 500),
        ("UPDATED", "태풍", 2000),
    ]
    assert len(context.reported) == 4


async def test_a_term_ends_when_absent_from_two_polls() -> None:
    here, gone = made(("태풍", "500+", 9.0)), made(("수능", "1K+", 9.0))
    context = await play(here, gone, here, gone, gone, gone)
    ended = [change for change in told(context) if change[1] == "태풍"]
    assert ended == [("NEW", "태풍", 500), ("ENDED", "태풍", 500)]
    context = await play(here, gone, here, gone)
    assert ("ENDED", "태풍", 500) not in told(context)


async def test_a_term_that_starts_again_is_new() -> None:
    context = await play(made(("태풍", "500+", 9.0)), made(("태풍", "200+", 5000.0)))
    assert told(context) == [("NEW", "태풍", 500), ("NEW", "태풍", 200)]


async def test_a_feed_without_items_is_a_feed() -> None:
    context = await play(made(("태풍", "500+", 9.0)), made(), made())
    assert told(context) == [("NEW", "태풍", 500), ("ENDED", "태풍", 500)]


@pytest.mark.parametrize(
    ("answer", "said", "after"),
    [
        (Answer(200, CAPTCHA), "HTML page", 0.1),
        (Answer(200, b""), "not XML", 0.1),
        (Answer(500), "HTTP 500", None),
        (Answer(503, b"", {"Retry-After": "9"}), "HTTP 503", 9.0),
        (Answer(404), "HTTP 404", None),
        (Answer(302, b"", {"Location": "https://consent.google.com"}), "HTTP 302", None),
        (Answer(304), "HTTP 304", None),
        (
            Answer(200, feed([("수능", "1+", None)]), {"Content-Encoding": "gzip"}),
            "compressed",
            None,
        ),
        (Answer(200, b" " * (3 << 20)), "more than 2 MiB", None),
    ],
)
async def test_an_error_never_ends_a_term(answer: Answer, said: str, after: float | None) -> None:
    context = MemoryContext()
    async with Upstream(feeds=[made(("태풍", "500+", 9.0)), answer]) as server:
        url = str(server.config()["base_url"])
        await polls(url, context, 1)
        offset = context.offsets[PLACE]
        for _ in range(3):
            with pytest.raises(Retry, match=said) as raised:
                await polls(url, context, 1)
            assert raised.value.after == after
        assert context.offsets[PLACE] == offset
        server.feeds = [made(("수능", "1K+", 9.0))]
        await polls(url, context, 1)
        assert [change for change in told(context) if change[1] == "태풍"] == [("NEW", "태풍", 500)]


@pytest.mark.parametrize(("headers", "after"), [({"Retry-After": "120"}, 120.0), ({}, 0.1)])
async def test_429_holds_everyone_who_asks_this_host(headers: dict[str, str], after: float) -> None:
    context = MemoryContext()
    async with Upstream(feeds=[Answer(429, b"", headers)]) as server:
        with pytest.raises(Retry) as raised:
            await polls(str(server.config()["base_url"]), context, 1)
    assert raised.value.after == after
    assert raised.value.code == "retry.http-429"
    assert context.held == [("keyword-trends 127.0.0.1", after)]
    assert context.paced == [("keyword-trends 127.0.0.1", 10.0)]  # polled every 100 ms


async def test_nobody_there_and_a_broken_answer_are_retries() -> None:
    async def endless() -> AsyncIterator[bytes]:
        yield b"<rss>"
        raise ConnectionError("gone")

    async with Upstream(feeds=[]) as server:
        url = str(server.config()["base_url"])
    with pytest.raises(Retry, match="no answer"):
        await polls(url, MemoryContext(), 1)
    async with HttpUpstream(lambda _: Response(chunks=endless())) as broken:
        with pytest.raises(Retry, match="no answer"):
            await polls(broken.url, MemoryContext(), 1)


async def test_a_feed_that_did_not_change_is_asked_for_by_its_tag_and_still_ends_terms() -> None:
    bodies = {"v1": feed([("태풍", "500+", 9.0)]), "v2": feed([("수능", "1K+", 9.0)])}
    asked: list[str | None] = []

    def answer(request: Request) -> Response:
        asked.append(request.headers.get("if-none-match"))
        tag = "v1" if len(asked) == 1 else "v2"
        if asked[-1] == f'"{tag}"':
            return Response(304, headers={"ETag": asked[-1]})
        return Response(200, bodies[tag], headers={"ETag": f'"{tag}"'})

    context = MemoryContext()
    async with HttpUpstream(answer) as server:
        await polls(server.url, context, 3)
        await polls(server.url, context, 2)
    assert asked == [None, '"v1"', '"v2"', '"v2"', '"v2"']
    assert told(context) == [("NEW", "태풍", 500), ("NEW", "수능", 1000), ("ENDED", "태풍", 500)]


async def test_a_kill_after_any_poll_changes_nothing() -> None:
    answers = [
        made(("a", "500+", 9.0), ("b", "1K+", 9.0)),
        made(("a", "1K+", 9.0)),
        made(("a", "1K+", 9.0), ("c", "1+", None)),
        made(("c", "2+", None)),
    ]
    whole = await play(*answers)
    assert len(whole.records) == 6
    for kill in range(1, 4):
        context = MemoryContext()
        async with Upstream(feeds=answers) as server:
            url = str(server.config()["base_url"])
            await polls(url, context, kill)
            context = context.copy()
            await polls(url, context, 4 - kill)
        assert told(context) == told(whole)
        ids = [dict(record.headers)["event_id"] for record in context.records]
        assert ids == [dict(record.headers)["event_id"] for record in whole.records]
        assert len(set(ids)) == 6


async def test_a_restart_waits_until_the_next_poll_is_due() -> None:
    context = MemoryContext()
    async with Upstream(feeds=[made(("태풍", "500+", 9.0))]) as server:
        url = str(server.config()["base_url"])
        await polls(url, context, 1)
        await polls(url, context, 1, poll_interval=300)
    first, second = (facts["terms"] for _, facts in context.reported)
    assert (first, second) == (0, 1)
    assert len(server.requests) == 2


async def test_each_geo_is_a_partition_and_asks_for_itself() -> None:
    options = {"provider": "google-rss", "geo": ["KR", "US"]}
    source = KeywordTrends(TrendsConfig.model_validate(options), MemoryContext())
    places = [Partition(place) for place in await source.partitions()]
    assert places == [PLACE, {"provider": "google-rss", "geo": "US"}]
    context = MemoryContext()
    async with Upstream() as server:
        await polls(str(server.config()["base_url"]), context, 1, places[1])
        assert [request.path for request in server.requests] == ["/trending/rss?geo=US"]
    assert {record.value.geo for record in context.records} == {"US"}
    assert {str(record.key).split(":")[:2] == ["google-rss", "US"] for record in context.records}


async def test_the_state_and_the_offset_of_a_poll_are_one_batch() -> None:
    context = MemoryContext()
    async with Upstream(feeds=[made(("태풍", "500+", 9.0))]) as server:
        options = {"provider": "google-rss", **server.config()}
        source = KeywordTrends(TrendsConfig.model_validate(options), context)
        items = source.read(PLACE, None)
        batch = await anext(items)
        assert isinstance(batch, Batch)
        assert len(batch.records) == len(batch.state) == 1
        assert set(batch.offset or ()) == {"polled"}
        await items.aclose()  # type: ignore[attr-defined]
        await source.close()


async def test_an_offset_of_another_kind_is_refused() -> None:
    context = MemoryContext()
    context.offsets[PLACE] = {"cursor": 7}
    with pytest.raises(OffsetError, match="Reset the offsets"):
        await polls("http://127.0.0.1:9", context, 1)


async def test_the_recorded_feed_is_told_as_new() -> None:
    folder = os.environ.get("PYCONNECT_CASES")
    if not folder:
        pytest.skip("PYCONNECT_CASES is unset")
    context = MemoryContext()
    async with Replay(Path(folder, "trends/google_trending_kr.xml")) as server:
        await polls(str(server.config()["base_url"]), context, 3)
    assert told(context) == [("NEW", "서희 제", 1000), ("NEW", "투팍", 100)]
    assert context.reported[0][1]["untitled"] == 1
