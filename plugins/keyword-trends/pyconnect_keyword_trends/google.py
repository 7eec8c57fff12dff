"""Polls Google's "trending now" RSS: https://trends.google.com/trending/rss?geo=KR."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx

from connectors_core import Batch, Offset, OffsetError, Partition, Record, Retry, Source
from pyconnect_keyword_trends.change import Known, changes, load, unchanged
from pyconnect_keyword_trends.config import TrendsConfig
from pyconnect_keyword_trends.feed import FeedError, Term, parse_feed
from pyconnect_keyword_trends.record import Change, News, TrendingTerm, event_id, instant
from pyconnect_keyword_trends.retry import retry_after

LARGEST = 2 << 20
DEADLINE = 3
"""Times `timeout`: the longest that a whole answer may take."""


@dataclass(frozen=True, slots=True)
class _Answer:
    """A feed as it came; `terms` None: not modified since `etag`."""

    terms: tuple[Term, ...] | None
    etag: str | None
    untitled: int = 0


async def poll(
    source: Source[TrendsConfig],
    client: httpx.AsyncClient,
    partition: Partition,
    offset: Offset | None,
) -> AsyncGenerator[Batch]:
    """Give one Batch per poll, without end. Raises Retry if there was no feed to be had."""
    polled, etag = _read_offset(offset)
    geo = str(partition["geo"])
    known = load(source.context.state(partition))
    interval = source.config.poll_interval
    while True:
        await asyncio.sleep(min(max(0, polled + interval - _wall()), interval) / 1000)
        answer = await _ask(source, client, geo, etag)
        # Two polls have two offsets, also in one ms and with a clock that was set back.
        polled, etag = max(polled + 1, _wall()), answer.etag
        source.context.report(partition, terms=len(known), untitled=answer.untitled)
        yield _batch(source.config, geo, known, answer, polled)


def _batch(
    config: TrendsConfig, geo: str, known: dict[str, Known], answer: _Answer, polled: int
) -> Batch:
    """Fold an answer into `known` and return what is to be stored."""
    records: list[Record] = []
    state: dict[str, object] = {}
    found = unchanged(known) if answer.terms is None else changes(known, answer.terms)
    for key, now, change in list(found):
        term = (now or known[key]).term
        if now is None:
            del known[key]
        else:
            known[key] = now
        state[key] = None if now is None else now.row()
        if change is not None:
            records.append(_record(config.provider, geo, term, change, polled))
    offset: dict[str, str | int] = {"polled": polled}
    return Batch(records, offset | ({"etag": answer.etag} if answer.etag else {}), state)


def _record(provider: str, geo: str, term: Term, change: Change, polled: int) -> Record:
    value = TrendingTerm(
        provider=provider,
        geo=geo,
        term=term.title,
        volume_min=term.volume,
        volume_text=term.volume_text,
        started_at=None if term.started is None else instant(term.started),
        observed_at=instant(polled),
        change=change,
        news=[News(*article) for article in term.news],
    )
    urls = sorted(url for _, url, _ in term.news)
    same = event_id(provider, geo, term.title, term.started, change.value, term.volume_text, *urls)
    key = f"{provider}:{geo}:{term.title}"
    return Record(value, key=key, timestamp=polled, headers=[("event_id", same)])


async def _ask(
    source: Source[TrendsConfig], client: httpx.AsyncClient, geo: str, etag: str | None
) -> _Answer:
    """Fetch once. Raises Retry for everything but a feed: only a feed can say that a term ended."""
    url = source.config.url("http") + "/trending/rss"
    budget = f"keyword-trends {urlsplit(url).hostname}"
    # One a second, unless a server of one's own is to be polled more often.
    polls = 1000 * len(source.config.geo) / source.config.poll_interval
    await source.context.pace(budget, max(1.0, polls))
    try:
        async with asyncio.timeout(DEADLINE * source.config.timeout / 1000):
            response = await _fetch(client, url, geo, etag)
    except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
        what = str(error) or type(error).__name__
        raise Retry(f"google-rss {geo}: no answer: {what}", code="retry.network") from error
    after = retry_after(response.headers.get("Retry-After"))
    if response.status_code == 429:
        after = source.config.poll_interval / 1000 if after is None else after
        source.context.hold(budget, after)
    if response.status_code not in (200, 304) or (response.status_code == 304 and etag is None):
        code = f"retry.http-{response.status_code}"
        raise Retry(
            f"google-rss {geo}: HTTP {response.status_code} instead of a feed.",
            after=after,
            code=code,
        )
    return _read(response, geo, etag, source.config.poll_interval / 1000)


async def _fetch(client: httpx.AsyncClient, url: str, geo: str, etag: str | None) -> httpx.Response:
    """Return the response with a body of at most 2 MiB; a longer one raises HTTPError.

    Not compressed: a small answer that grows to gigabytes is not asked for and not unpacked.
    """
    headers = {"Accept-Encoding": "identity"} | ({"If-None-Match": etag} if etag else {})
    async with client.stream("GET", url, params={"geo": geo}, headers=headers) as response:
        if response.headers.get("Content-Encoding", "identity") != "identity":
            raise httpx.DecodingError("a compressed answer, which was not asked for")
        body = bytearray()
        async for chunk in response.aiter_raw():
            body += chunk
            if len(body) > LARGEST:
                raise httpx.DecodingError("an answer of more than 2 MiB")
    return httpx.Response(response.status_code, headers=response.headers, content=bytes(body))


def _read(response: httpx.Response, geo: str, etag: str | None, interval: float) -> _Answer:
    if response.status_code == 304:
        return _Answer(None, etag)
    try:
        feed = parse_feed(response.content)
    except FeedError as error:
        raise Retry(f"google-rss {geo}: {error}.", after=interval, code="retry.feed") from error
    tag = response.headers.get("ETag")
    return _Answer(feed.terms, tag if tag and len(tag) <= 256 else None, feed.untitled)


def _read_offset(offset: Offset | None) -> tuple[int, str | None]:
    polled, etag = (offset or {"polled": 0}).get("polled"), (offset or {}).get("etag")
    if type(polled) is not int or not (etag is None or isinstance(etag, str)):
        raise OffsetError(
            f"offset {dict(offset or {})}: polled must be ms since the epoch, etag text."
            " Reset the offsets of this connector."
        )
    return polled, etag


def _wall() -> int:
    return time.time_ns() // 1_000_000
