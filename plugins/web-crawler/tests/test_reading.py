"""Pages, sitemaps and URLs are read right, and hostile ones in linear time."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest

from pyconnect_web_crawler import charset, html, sitemap
from pyconnect_web_crawler.fetch import Answer
from pyconnect_web_crawler.scope import Scope
from pyconnect_web_crawler.url import canonical, split
from pyconnect_web_crawler.visit import hold_seconds, understand

BASE = "http://a.example/dir/page"


def _cases() -> Path:
    cases = os.environ.get("PYCONNECT_CASES")
    if not cases:
        pytest.skip("PYCONNECT_CASES is not set")
    return Path(cases) / "crawler"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("HTTP://A.Example:80/x/../y?b=1 2#f", "http://a.example/y?b=1%202"),
        ("https://a.example:443", "https://a.example/"),
        ("../up", "http://a.example/up"),
        ("//b.example/x", "http://b.example/x"),
        ("?q", "http://a.example/dir/page?q"),
        ("#top", "http://a.example/dir/page"),
        ("http://한글.kr/뉴스", "http://xn--bj0bj06e.kr/%EB%89%B4%EC%8A%A4"),
        ("http://127.0.0.1\\@b.example/", "http://127.0.0.1/@b.example/"),
        ("http://0x7f.1/", "http://127.0.0.1/"),
        ("http://user:pass@a.example/", None),
        ("http://user@a.example/", None),
        ("javascript:alert(1)", None),
        ("file:///etc/passwd", None),
        ("data:text/html,x", None),
        ("mailto:a@b.example", None),
        ("http://a b/", None),
        ("http://a.example/" + "x" * 3000, None),
    ],
)
def test_canonical_url(text: str, expected: str | None) -> None:
    assert canonical(text, BASE) == expected


@pytest.mark.parametrize(
    ("allow", "deny", "url", "inside"),
    [
        ([], [], "http://a.example/x", True),
        ([], [], "http://b.example/x", False),
        ([], [], "http://a.example:8080/x", False),
        (["b.example"], [], "http://a.example/", True),
        (["b.example"], [], "http://a.example/x", False),
        (["*.example"], [], "https://deep.b.example/x", True),
        (["http://a.example/x/"], [], "http://a.example/x/y", True),
        (["http://a.example/x/"], [], "http://a.example/z", False),
        ([], ["http://a.example/x"], "http://a.example/x/y", False),
        ([], ["a.example"], "http://a.example/", False),
    ],
)
def test_scope(allow: list[str], deny: list[str], url: str, inside: bool) -> None:
    assert Scope(["http://a.example/"], allow, deny).allows(split(url)) is inside


@pytest.mark.parametrize(
    ("body", "content_type", "expected"),
    [
        ("한글 똠방각하".encode("cp949"), "text/html; charset=EUC-KR", "cp949"),
        ("한글 똠방각하".encode("cp949"), "text/html", "cp949"),
        (b'<meta charset="ks_c_5601-1987">' + "펲".encode("cp949"), "text/html", "cp949"),
        ("한글".encode(), 'text/html; charset="utf-8"', "utf-8"),
        (b"\xef\xbb\xbf" + "한글".encode(), "text/html; charset=euc-kr", "utf-8"),
        (b"\xff\xfe" + "한글".encode("utf-16-le"), "text/html", "utf-16-le"),
        ("caf\xe9 €".encode("cp1252"), "text/html; charset=ISO-8859-1", "cp1252"),
        ("漢字".encode("cp932"), "text/html; charset=Shift_JIS", "cp932"),
        ("漢字".encode("gb18030"), "text/html; charset=gb2312", "gb18030"),
        (b'<meta http-equiv="c" content="text/html; charset=windows-1251">\xcf', "", "cp1251"),
        (b'<meta charset="utf-16">ok', "text/html", "utf-8"),
        (b"ok", "text/html; charset=unheard-of", "utf-8"),
        (b"\xff\xf0 broken \x80", "text/html", "utf-8"),
    ],
)
def test_charset(body: bytes, content_type: str, expected: str) -> None:
    text, codec = charset.decode(body, content_type)
    assert codec == expected
    if "broken" not in text:
        assert "\ufffd" not in text


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("korean", "euc-kr"), ("russian", "x-mac-cyrillic"), ("greek", "iso-8859-7"),
        ("hebrew-2", "windows-1255"), ("turkish", "windows-1254"), ("chinese", "big5"),
        ("french-1", "iso-8859-1"), ("arabic-1", "windows-1256"),
    ],
)  # fmt: skip
def test_reads_real_texts_of_old_encodings(name: str, label: str) -> None:
    body = (_cases() / f"charset/sample-{name}.txt").read_bytes()
    text, _ = charset.decode(body, f"text/plain; charset={label}")
    assert "\ufffd" not in text
    assert sum(c.isalpha() for c in text) > len(text) / 2


def test_reads_title_text_and_links() -> None:
    page = """<!DOCTYPE html><html><head><TITLE>A &amp; B
      C</TITLE><base href="/base/"><script>if (a<b) "</p>"</script><style>p{}</style></head>
      <body><!-- <a href=no> --><p>One <b>bold</b>word.<p>Two&nbsp;&#xD800;&#99999999999;</p>
      <a href="x?a=1&amp;b=2#f">x</a> <a href='/y' rel="noopener NOFOLLOW">y</a> <a href=z/>z</a>
      <a href="x?a=1&b=2">again</a><a href="mailto:a@b">m</a><svg><title>no</title></svg>
      <area href="//b.example/"><textarea><a href=no></textarea> 3 < 4</body>"""
    found = html.extract(page, BASE, "bot")
    assert found.title == "A & B C"
    assert found.text.startswith("One boldword.\nTwo \ufffd\ufffd")
    assert found.text.endswith("3 < 4")
    assert found.links == [
        "http://a.example/base/x?a=1&b=2", "http://a.example/y", "http://a.example/base/z/",
        "http://b.example/",
    ]  # fmt: skip
    assert "http://a.example/y" not in found.follow
    assert len(found.follow) == 3


@pytest.mark.parametrize(
    ("meta", "header", "expected"),
    [
        ('<meta name="robots" content="NOINDEX, follow">', "", (True, False)),
        ('<meta name="bot" content="none">', "", (True, True)),
        ('<meta name="otherbot" content="none">', "", (False, False)),
        ("", "nofollow", (False, True)),
        ("", "otherbot: none, bot: noindex", (True, False)),
        ("", "unavailable_after: 25 Jun 2030 15:00:00 PST", (False, False)),
    ],
)
def test_robots_directives(meta: str, header: str, expected: tuple[bool, bool]) -> None:
    headers = {"content-type": "text/html", "x-robots-tag": header}
    found = understand(Answer(200, headers, meta.encode()), BASE, "bot").extract
    assert (found.noindex, found.nofollow) == expected


@pytest.mark.parametrize(
    "piece",
    ["<!--", "<a b=\"", "<a b='", "<a ", "<", "</", "<![CDATA[", "<script>", "<title>", "&#x", "<div>",
     "&#11111", "<svg>", "<a href=x>", "<a" + " " * 50, "<!", "<?", "\x00", "<textarea>"],
)  # fmt: skip
@pytest.mark.timeout(20)  # an end in sight at all: quadratic time would be minutes
def test_hostile_html_is_read_to_its_end(piece: str) -> None:
    html.extract(piece * (1_000_000 // len(piece)), BASE, "bot")


def test_links_and_text_are_bounded() -> None:
    page = "".join(f"<a href=/{n}>text {n}</a>" for n in range(20_000)) + "x" * 3_000_000
    found = html.extract(page, BASE, "bot")
    assert len(found.links) == html.MAX_LINKS
    assert len(found.text) <= html.MAX_TEXT


SPACE = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'


def test_reads_sitemaps_of_every_kind() -> None:
    pages = f"<urlset {SPACE}><url><loc> /x </loc></url><url><loc>/y#f</loc></url></urlset>"
    index = f"<sitemapindex {SPACE}><sitemap><loc>/m.xml</loc></sitemap></sitemapindex>"
    expected = ["http://a.example/x", "http://a.example/y"]
    assert sitemap.parse(pages.encode(), BASE).pages == expected
    assert sitemap.parse(gzip.compress(pages.encode()), BASE).pages == expected
    assert sitemap.parse(index.encode(), BASE).sitemaps == ["http://a.example/m.xml"]
    assert sitemap.parse(b"http://a.example/x\r\nno url\r\n", BASE).pages == expected[:1]


def test_reads_real_sitemaps() -> None:
    folder = _cases() / "sitemaps"
    counts = {
        "sitemap.xml": (84, 0),
        "sitemap.xml.gz": (84, 0),
        "sitemap2.xml": (0, 2),
        "sitemap-hreflang.xml": (3, 0),
        "stormcrawler.sitemap.index.xml": (0, 4),
        "stormcrawler.sitemap.extensions.image.xml": (7, 0),
        "feed1.atom": (1, 0),
        "feed2.rss": (1, 0),
        "list-process.txt": (3, 0),
        "scam.html": (0, 0),
    }
    found = {name: sitemap.parse((folder / name).read_bytes(), BASE) for name in counts}
    assert {n: (len(s.pages), len(s.sitemaps)) for n, s in found.items()} == counts


@pytest.mark.parametrize(
    "entities",
    [
        '<!ENTITY e "/x">',
        '<!ENTITY a "/x"><!ENTITY e "&a;&a;&a;">',
        '<!ENTITY e SYSTEM "file:///etc/hostname">',
        '<!ENTITY % p SYSTEM "http://127.0.0.1:1/"> %p;',
    ],
)
def test_entities_in_a_sitemap_are_not_expanded(entities: str) -> None:
    body = f"<!DOCTYPE u [{entities}]><urlset {SPACE}><url><loc>/&e;</loc></url></urlset>"
    assert sitemap.parse(body.encode(), BASE).pages == []


def test_a_damaged_sitemap_gives_what_stands_before_the_damage() -> None:
    body = f"<urlset {SPACE}><url><loc>/x</loc></url><url><loc>/y</lo"
    assert sitemap.parse(body.encode(), BASE).pages == ["http://a.example/x"]


def test_a_sitemap_gives_at_most_50_000_urls() -> None:
    body = "\n".join(f"http://a.example/{n}" for n in range(60_000))
    assert len(sitemap.parse(body.encode(), BASE).pages) == 50_000


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("3", 3.0), ("0", 0.0), ("1000000000", 3600.0), ("soon", None), ("", None), ("-5", None),
        ("Thu, 01 Jan 1970 00:01:40 GMT", 100.0), ("Thu, 01 Jan 1960 00:01:40 GMT", 0.0),
        ("٣", None), ("9" * 5000, 3600.0),
    ],
)  # fmt: skip
def test_retry_after(value: str, expected: float | None) -> None:
    assert hold_seconds(Answer(429, {"retry-after": value}, b""), now=0.0) == expected
