"""What a feed says."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pyconnect_keyword_trends.feed import FeedError, parse_feed, parse_started, parse_volume
from pyconnect_keyword_trends.testing.scripted import feed

OLD = "https://trends.google.com/trends/trendingsearches/daily"


@pytest.mark.parametrize(
    ("text", "volume"),
    [
        ("1000+", 1000),
        ("20K+", 20_000),
        ("1.5M+", 1_500_000),
        ("200,000+", 200_000),
        ("1,234,567+", 1_234_567),
        ("50+", 50),
        (" 2k ", 2000),
        ("0.0015K+", 1),
        ("", None),
        (None, None),
        ("many", None),
        ("-5+", None),
        ("1,2+", None),
        ("1e9", None),
        ("9" * 30, None),
    ],
)
def test_a_volume_is_a_lower_bound(text: str | None, volume: int | None) -> None:
    assert parse_volume(text) == volume


@pytest.mark.parametrize(
    ("text", "started"),
    [
        ("Tue, 1 Sep 2026 19:00:00 -0700", 1_788_314_400_000),
        ("Wed, 02 Sep 2026 02:00:00 GMT", 1_788_314_400_000),
        ("Wed, 02 Sep 2026 11:00:00 +0900", 1_788_314_400_000),
        ("Wed, 02 Sep 2026 02:00:00 -0000", 1_788_314_400_000),
        ("yesterday", None),
        ("Tue, 99 Sep 2026 19:00:00 -0700", None),
        ("", None),
        (None, None),
    ],
)
def test_a_start_is_an_instant_or_unknown(text: str | None, started: int | None) -> None:
    assert parse_started(text) == started


def test_terms_are_read_and_untitled_items_counted() -> None:
    read = parse_feed(feed([("태풍 & 비", "20K+", 1_788_314_400.0), ("", "1+", None)]))
    (term,) = read.terms
    assert (term.title, term.volume_text, term.volume) == ("태풍 & 비", "20K+", 20_000)
    assert term.started == 1_788_314_400_000
    assert term.news == (("태풍 & 비 news", "https://news.example/0", "Example"),)
    assert read.untitled == 1


def test_the_old_namespace_is_read_as_well() -> None:
    body = feed([("태풍", "20K+", None)]).replace(
        b"https://trends.google.com/trending/rss", OLD.encode()
    )
    assert parse_feed(body).terms[0].volume == 20_000


def test_a_title_that_comes_twice_is_its_newest() -> None:
    items = [("a", "1K+", 100.0), ("a", "2K+", 300.0), ("a", "3K+", 200.0)]
    assert [term.volume for term in parse_feed(feed(items)).terms] == [2000]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "not XML"),
        (b"<!DOCTYPE html><html><body>unusual traffic</body></html>", "an HTML page"),
        (b"<html><body/></html>", "<html> instead of <rss>"),
        (b"<HTML><br></HTML>", "an HTML page"),
        (b"<rss version='2.0'/>", "<rss> instead of <rss><channel>"),
        (b"<feed xmlns='http://www.w3.org/2005/Atom'/>", "<feed> instead"),
        (feed([("a", "1+", None)])[:-20], "not XML"),
        (b'{"error": 1}', "not XML"),
        (b"\xff\xfe\x00", "not XML"),
        (
            b'<!DOCTYPE rss [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><rss><channel>&b;</channel></rss>',
            "not XML",
        ),
        (b'<!DOCTYPE rss SYSTEM "file:///etc/passwd"><rss><channel/></rss>', "not XML"),
        (feed([("a", "1+", None)] * 1001), "more than 1000 items"),
        (b'<?xml version="1.0" encoding="UTF-NaN"?><rss/>', "not XML: LookupError"),
    ],
)
def test_what_is_no_feed_is_refused_with_a_reason(body: bytes, said: str) -> None:
    with pytest.raises(FeedError, match=said):
        parse_feed(body)


def test_the_recorded_feeds_are_read() -> None:
    folder = os.environ.get("PYCONNECT_CASES")
    if not folder:
        pytest.skip("PYCONNECT_CASES is unset")
    korea = parse_feed(Path(folder, "trends/google_trending_kr.xml").read_bytes())
    assert [(t.title, t.volume, t.started, len(t.news)) for t in korea.terms] == [
        ("서희 제", 1000, 1_788_314_400_000, 2),
        ("투팍", 100, 1_788_310_800_000, 0),
    ]
    assert korea.terms[0].news[1][2] == "네이트"
    assert korea.untitled == 1
    states = parse_feed(Path(folder, "trends/google_trending_us.xml").read_bytes())
    assert [(t.title, t.volume) for t in states.terms] == [
        ("epic", 1000),
        ("fraud", 20_000),
        ("Example &amp; trend", 1_500_000),
        ("old style volume", 200_000),
    ]
    assert states.terms[2].started == 1_786_420_800_000
