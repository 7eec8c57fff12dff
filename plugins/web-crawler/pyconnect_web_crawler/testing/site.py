"""The crawler's fake upstream: a small Korean news site with the corners of a real one."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Any, Self

from connectors_core.testing import HttpUpstream, Request, Response

SECTIONS = {
    "economy": "경제",
    "technology": "기술",
    "culture": "문화",
    "weather": "날씨",
    "sports": "스포츠",
}
HEADLINES = (
    "코스피 장중 2,700선 회복…반도체주 강세",
    "동네 서점 다시 늘었다…독서 모임이 바꾼 골목",
    "내일 전국 맑음, 아침 최저 3도…안개 주의",
    "국산 소형 위성 3호 궤도 안착…첫 교신 성공",
    "전통시장 야간 개장 한 달, 방문객 두 배로",
    "프로야구 개막전 매진…다섯 구장 10만 관중",
    "수소 버스 200대 추가 도입, 충전소도 확대",
    "한글날 맞아 옛 활자 전시…“글자에 담긴 숨결”",
    "원·달러 환율 1,300원대 초반에서 등락",
    "가을 단풍 절정은 이번 주말, 설악산 등 북적",
)
ETAG = '"archive-1"'


class Upstream:
    """`async with Upstream() as site:` serves a site until the block ends.

    It has `articles` articles, section pages, a robots.txt with a denied area, a sitemap with pages
    that no link leads to, a redirect, a page that answers 304, one in EUC-KR, one that is gone, and
    one that says noindex. `server.requests` lists what was asked.
    """

    def __init__(self, articles: int = 30) -> None:
        self.server = HttpUpstream(self._answer)
        self._articles = articles
        self._pages = dict(self._site())

    async def __aenter__(self) -> Self:
        await self.server.__aenter__()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        await self.server.__aexit__(kind)

    def config(self) -> dict[str, Any]:
        """Return the options to lay over a file's, so that it reads this site."""
        return {
            "seeds": [f"{self.server.url}/"],
            "sitemaps": True,
            "allow": [],
            "deny": [],
            "follow_links": True,
            "max_depth": 16,
            "max_pages": 10_000,
            "robots": "obey",
            "delay": 0.01,
            "retry_delay": 0.05,
            "recrawl": "never",
            "allow_private": True,
        }

    def expected(self) -> list[str]:
        """Return the URLs, which are the keys, of the pages that a whole crawl records."""
        hidden = {"/hidden"}
        return sorted(self.server.url + path for path in self._pages if path not in hidden)

    def _site(self) -> Iterator[tuple[str, str]]:
        """Give path and HTML of every page that answers 200 and is not denied."""
        sections = [(f"/{name}/", title) for name, title in SECTIONS.items()]
        extra = [
            ("/old", "회사 소개"),
            ("/archive", "지난 기사"),
            ("/legacy", "옛 게시판"),
            ("/hidden", "숨은 페이지"),
            ("/gone", "사라진 기사"),
            ("/private/staff", "직원 전용"),
        ]
        yield "/", _page("새벽일보", "오늘의 주요 소식", [*sections, *extra])
        for number, (path, title) in enumerate(sections):
            yield path, _page(title, f"{title} 소식 모음", [("/", "처음"), *self._listed(number)])
        for number in range(self._articles):
            title, others = _headline(number), [("/", "처음"), *self._neighbours(number)]
            yield (
                f"/news/{number}",
                _page(title, f"{title}. 새벽일보 {number}호 기사입니다.", others),
            )
        yield "/about", _page("회사 소개", "새벽일보는 지어낸 신문입니다.", [("/", "처음")])
        yield "/archive", _page("지난 기사", "이 페이지는 바뀌지 않습니다.", [("/", "처음")])
        yield "/legacy", _page("옛 게시판", "완성형 한글로 쓴 글입니다. 펲시맨, 똠방각하.", [])
        yield "/hidden", _page("숨은 페이지", "", [("/special/1", "특집")], "noindex")
        yield "/special/1", _page("특집 1", "사이트맵으로만 닿는 기사입니다.", [])
        yield "/special/2", _page("특집 2", "사이트맵으로만 닿는 기사입니다.", [("/", "처음")])

    def _listed(self, section: int) -> list[tuple[str, str]]:
        numbers = range(section, self._articles, len(SECTIONS))
        return [(f"/news/{number}", _headline(number)) for number in numbers]

    def _neighbours(self, number: int) -> list[tuple[str, str]]:
        near = ((number + 1) % self._articles, (number * 7 + 3) % self._articles)
        return [(f"/news/{other}#comments", _headline(other)) for other in near]

    def _answer(self, request: Request) -> Response:
        if request.path == "/robots.txt":
            return Response(body=f"User-agent: *\nDisallow: /private/\nSitemap: {self._map}\n")
        if request.path == "/sitemap.xml":
            return Response(body=self._sitemap(), headers={"Content-Type": "application/xml"})
        if request.path == "/old":
            return Response(301, headers={"Location": "/about"})
        if request.path == "/archive" and request.headers.get("if-none-match") == ETAG:
            return Response(304, headers={"ETag": ETAG})
        html = self._pages.get(request.path)
        if html is None:
            return Response(404, "없는 페이지입니다.")
        if request.path == "/legacy":
            return Response(body=html.encode("cp949"), headers={"Content-Type": _html("euc-kr")})
        headers = {"Content-Type": _html("utf-8")}
        if request.path == "/archive":
            headers["ETag"] = ETAG
        return Response(body=html, headers=headers)

    @property
    def _map(self) -> str:
        return f"{self.server.url}/sitemap.xml"

    def _sitemap(self) -> str:
        paths = ("/", "/special/1", "/special/2")
        places = "".join(f"<url><loc>{self.server.url}{path}</loc></url>" for path in paths)
        space = "http://www.sitemaps.org/schemas/sitemap/0.9"
        return f'<?xml version="1.0"?><urlset xmlns="{space}">{places}</urlset>'


def _headline(number: int) -> str:
    return f"{HEADLINES[number % len(HEADLINES)]} ({number})"


def _html(charset: str) -> str:
    return f"text/html; charset={charset}"


def _page(title: str, text: str, links: list[tuple[str, str]], robots: str = "all") -> str:
    items = "".join(f'<li><a href="{path}">{escape(name)}</a></li>' for path, name in links)
    return (
        f'<!doctype html><html lang="ko"><head><title>{escape(title)}</title>'
        f'<meta name="robots" content="{robots}"></head>'
        f"<body><h1>{escape(title)}</h1><p>{escape(text)}</p><ul>{items}</ul></body></html>"
    )
