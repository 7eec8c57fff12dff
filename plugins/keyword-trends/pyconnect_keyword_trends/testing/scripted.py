"""Made posts and feeds: what the fake upstream says, and what a source must make of it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from email.utils import formatdate
from xml.sax.saxutils import escape

from pyconnect_keyword_trends.config import TrendsConfig
from pyconnect_keyword_trends.event import FrameError, parse
from pyconnect_keyword_trends.match import fold

STEP_US = 50_000
_POSTS = (
    "삼성전자 실적 발표, 반도체 반등?",
    "오늘도 삼성전자가 올랐다",
    "비트코인 1억 간다 #비트코인",
    "Python 3.14 is out, and it is fast",
    "python은 언제나 옳다",
    "We moved our pipeline to Kafka last night",
    "kafka, kafka, kafka: every talk today",
    "bitcoin and $BTC again #bitcoin",
    "Good morning, timeline",
    "점심 뭐 먹지",
    "AI가 쓴 소설을 읽었다",
    "아이유 콘서트 표 구함",
)
_TERMS = ("한화 이글스", "태풍", "아이폰", "수능", "환율", "손흥민", "누리호", "김장")


def post(us: int, author: str, text: str, *, rkey: str | None = None, **record: object) -> str:
    """Return a Jetstream v1 frame for a new post; `us` is the server's time."""
    key = rkey or f"3k{us:x}"
    body = {"$type": "app.bsky.feed.post", "createdAt": "2031-01-01T00:00:00.000Z", "text": text}
    commit = {
        "rev": f"3l{us:x}",
        "operation": "create",
        "collection": "app.bsky.feed.post",
        "rkey": key,
        "record": {**body, **record},
        "cid": f"bafyrei{key}",
    }
    event = {"did": f"did:plc:{author}", "time_us": us, "kind": "commit", "commit": commit}
    return json.dumps(event, ensure_ascii=False)


def generated(number: int) -> str:
    """Return post `number` of an endless stream of 20 a second: the same at any time, anywhere."""
    mixed = number * 2_654_435_761 % 2**32 >> 8
    author = f"author{mixed % 37}"
    return post(number * STEP_US, author, _POSTS[mixed % len(_POSTS)], rkey=f"3k{number}")


def expected(
    frames: Iterable[str], config: TrendsConfig
) -> dict[tuple[str, int], tuple[int, int, int]]:
    """Count a bounded script the plain way: {(keyword, window start in ms): (messages,
    occurrences, authors)} of every window with a match, open ones too. Nothing is taken as late;
    a post that comes again counts once. The word rule is that of ASCII letters and digits.
    """
    counts: dict[tuple[str, int], list[int]] = {}
    authors: dict[tuple[str, int], set[str]] = {}
    seen: set[str] = set()
    for frame in frames:
        try:
            event = parse(frame)
        except FrameError:
            continue
        if event.text is None or event.mark in seen:
            continue
        seen.add(event.mark)
        start = event.us // 1000 // config.window * config.window
        for keyword in config.keywords:
            found = len(_pattern(keyword, config.match).findall(fold(event.text)))
            if found:
                count = counts.setdefault((keyword, start), [0, 0])
                count[0] += 1
                count[1] += found
                authors.setdefault((keyword, start), set()).add(event.author)
    return {place: (count[0], count[1], len(authors[place])) for place, count in counts.items()}


def _pattern(keyword: str, match: str) -> re.Pattern[str]:
    norm = fold(keyword)
    edge = "[a-z0-9_]"
    before = f"(?<!{edge})" if match == "word" and re.match(edge, norm[0]) else ""
    after = f"(?!{edge})" if match == "word" and re.match(edge, norm[-1]) else ""
    return re.compile(before + re.escape(norm) + after)


def feed(items: Sequence[tuple[str, str, float | None]], geo: str = "KR") -> bytes:
    """Return a "trending now" feed of (title, volume, start in s since the epoch)."""
    parts: list[str] = []
    for title, volume, started in items:
        when = "" if started is None else f"<pubDate>{formatdate(started)}</pubDate>"
        parts.append(
            f"<item><title>{escape(title)}</title>"
            f"<ht:approx_traffic>{escape(volume)}</ht:approx_traffic>{when}"
            f"<ht:news_item><ht:news_item_title>{escape(title)} news</ht:news_item_title>"
            f"<ht:news_item_url>https://news.example/{len(parts)}</ht:news_item_url>"
            "<ht:news_item_source>Example</ht:news_item_source></ht:news_item></item>"
        )
    head = (
        '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
        '<rss xmlns:ht="https://trends.google.com/trending/rss" version="2.0"><channel>'
        f"<title>Daily Search Trends</title><description>{escape(geo)}</description>"
    )
    return (head + "".join(parts) + "</channel></rss>").encode()


def generated_feed(now: float, geo: str) -> bytes:
    """Return the feed at a time: a term comes every 3 s, rises, and goes after 15 s."""
    items: list[tuple[str, str, float | None]] = []
    for born in range(int(now) // 3 - 4, int(now) // 3 + 1):
        age = int(now) // 3 - born
        items.append((_TERMS[born % len(_TERMS)], f"{(age + 1) * 500}+", born * 3.0))
    return feed(items, geo)
