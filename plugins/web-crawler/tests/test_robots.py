"""robots.txt is read as RFC 9309 and Google's parser read it."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path

import pytest

from pyconnect_web_crawler.robots import MAX_BYTES, parse, path_of, product_token


def _allows(body: bytes | str, url: str, agent: str = "FooBot") -> bool:
    body = body.encode() if isinstance(body, str) else body
    return parse(body, agent).allow(path_of(url))


def test_agrees_with_every_case_of_googles_own_test() -> None:
    cases = os.environ.get("PYCONNECT_CASES")
    if not cases:
        pytest.skip("PYCONNECT_CASES is not set")
    lines = (Path(cases) / "crawler/robots/google_unit.jsonl").read_text().splitlines()
    wrong = []
    for case in map(json.loads, lines):
        encoded = case.get("robots_b64")
        body = base64.b64decode(encoded) if encoded else case["robots"].encode()
        if _allows(body, case["url"], case["agent"]) != case["allowed"]:
            wrong.append(case)
    assert len(lines) == 145
    assert wrong == []


@pytest.mark.parametrize(
    ("body", "url", "allowed"),
    [
        ("", "http://a/x", True),
        ("user-agent: FooBot\ndisallow: /", "http://a/x", False),
        ("user-agent: FooBot\ndisallow: /", "http://a/robots.txt", True),
        ("user-agent: *\ndisallow: /\nuser-agent: foobot\nallow: /x", "http://a/y", True),
        (
            "user-agent: FooBot\ndisallow: /a\n\nuser-agent: FOOBOT\ndisallow: /b",
            "http://a/b",
            False,
        ),
        ("user-agent: FooBot\ndisallow: /x/\nallow: /x/", "http://a/x/", True),
        ("user-agent: FooBot\nallow: /x\ndisallow: /x/y", "http://a/x/y", False),
        ("user-agent: FooBot\ndisallow: /*.pdf$", "http://a/b.pdf", False),
        ("user-agent: FooBot\ndisallow: /*.pdf$", "http://a/b.pdf?x", True),
        ("user-agent: FooBot\ndisallow: /a*b*c", "http://a/a1b2c3", False),
        ("user-agent: FooBot\ndisallow: /a*b*c$", "http://a/abc", False),
        ("user-agent: FooBot\ndisallow: /ab*b$", "http://a/ab", True),
        ("user-agent: FooBot\nsitemap: x\nuser-agent: BarBot\ndisallow: /", "http://a/x", False),
        ("user-agent FooBot\ndissallow /x", "http://a/x", False),
        ("user-agent: FooBot\rdisallow: /x\rdisallow: /y", "http://a/y", False),
        ("user-agent: FooBot\ndisallow: /뉴스", "http://a/%eb%89%b4%EC%8A%A4/1", False),
        ("<html><body>user-agent: *<br>disallow: /</body></html>", "http://a/x", True),
        (b"\xef\xbb\xbfuser-agent: FooBot\ndisallow: /x", "http://a/x", False),
        (b"user-agent: FooBot\n# caf\xe9\ndisallow: /x", "http://a/x", False),
        (b"user-agent: FooBot\n\x00\ndisallow: /x", "http://a/x", False),
    ],
)
def test_verdict(body: bytes | str, url: str, allowed: bool) -> None:
    assert _allows(body, url) is allowed


def test_reads_delay_and_sitemaps_of_the_group_that_counts() -> None:
    body = b"sitemap: /a\nuser-agent: *\ncrawl-delay: 9\nuser-agent: FooBot\ncrawl-delay: 2.5\n"
    rules = parse(body + b"disallow: /\nSitemap: /b#c\n", "FooBot")
    assert (rules.delay, rules.sitemaps) == (2.5, ("/a", "/b"))
    assert parse(body, "Other").delay == 9
    assert parse(b"user-agent: *\ncrawl-delay: abc", "FooBot").delay is None


def test_rules_within_the_first_500_kib_count() -> None:
    rules = b"user-agent: *\n" + b"disallow: /filler\n" * 40_000 + b"disallow: /late\n"
    assert len(rules) > MAX_BYTES
    assert not parse(rules, "FooBot").allow("/filler")
    assert parse(rules, "FooBot").allow("/late")


@pytest.mark.timeout(20)  # a matcher that goes back would need ages
def test_a_hostile_pattern_is_matched_without_going_back() -> None:
    rules = parse(b"user-agent: *\ndisallow: /" + b"*a" * 5000 + b"$\n", "FooBot")
    assert rules.allow("/" + "a" * 2000)


def test_product_token_is_what_stands_before_the_version() -> None:
    assert product_token("acme-bot/1.0 (+https://acme.example)") == "acme-bot"
