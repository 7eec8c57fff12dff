"""A crawl against real sockets: whole, polite, and exactly once whenever it is stopped."""

from __future__ import annotations

import asyncio
import gzip
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import ValidationError

from connectors_core import Retry
from connectors_core.testing import HttpUpstream, MemoryContext, Request, Response
from pyconnect_web_crawler import CrawlerConfig, WebCrawler
from pyconnect_web_crawler.crawl import Crawl
from pyconnect_web_crawler.frontier import Frontier
from pyconnect_web_crawler.testing import Upstream

SHARD = {"shard": 0}
Handler = Callable[[Request], Response]


def _html(*links: str, text: str = "") -> Response:
    body = text + "".join(f'<a href="{link}">x</a>' for link in links)
    return Response(body=body, headers={"Content-Type": "text/html"})


def _site(pages: dict[str, Response], robots: Response | None = None) -> HttpUpstream:
    known = {"/robots.txt": robots or Response(404), **pages}
    return HttpUpstream(lambda request: known.get(request.path, Response(404)))


def _keys(context: MemoryContext) -> list[Any]:
    return [record.key for record in context.records]


def _rows(context: MemoryContext) -> dict[str, Any]:
    rows = [row for _, row in context.state(SHARD).scan("url|", limit=100_000)]
    return {row["url"]: row for row in rows if isinstance(row, dict)}


def _paths(server: HttpUpstream) -> list[str]:
    return [request.path for request in server.requests]


async def _full(site: Upstream, context: MemoryContext, **options: Any) -> MemoryContext:
    config = CrawlerConfig(**(site.config() | {"delay": 0} | options))
    await asyncio.wait_for(context.run(WebCrawler(config, context), SHARD), 60)
    return context


async def test_a_whole_crawl_records_every_page_once() -> None:
    async with Upstream() as site:
        context = await _full(site, MemoryContext())
        assert sorted(_keys(context)) == site.expected()
        asked = Counter(_paths(site.server))
    assert max(asked.values()) == 1
    assert not [path for path in asked if path.startswith("/private")]
    pages = {record.key.split("/", 3)[3]: record.value for record in context.records}
    assert pages["about"].url.endswith("/old")
    assert pages["legacy"].charset == "cp949"
    assert "펲시맨" in pages["legacy"].text
    assert pages["news/0"].title == "코스피 장중 2,700선 회복…반도체주 강세 (0)"
    assert all(page.fetched_at.tzinfo is not None for page in pages.values())
    ids = {dict(record.headers)["event_id"] for record in context.records}
    assert len(ids) == len(context.records)


async def test_a_finished_crawl_asks_for_nothing_when_started_again() -> None:
    async with Upstream(articles=3) as site:
        context = await _full(site, MemoryContext())
        requests, offsets = len(site.server.requests), dict(context.offsets)
        await _full(site, context)
        assert len(site.server.requests) == requests
    assert context.offsets == offsets


@pytest.mark.slow
async def test_resumes_after_every_batch_with_nothing_lost_or_doubled() -> None:
    async with Upstream(articles=6) as one, Upstream(articles=4) as two:
        options = one.config() | {"delay": 0}
        options["seeds"] += two.config()["seeds"]
        context, stops = MemoryContext(), 0
        while True:
            context = context.copy()
            source = WebCrawler(CrawlerConfig(**options), context)
            if not await asyncio.wait_for(context.run(source, SHARD, 1), 60):
                break
            stops += 1
        assert stops > 30
        assert sorted(_keys(context)) == sorted(one.expected() + two.expected())


async def test_a_record_comes_with_all_that_it_changes() -> None:
    async with Upstream(articles=3) as site:
        config = CrawlerConfig(**(site.config() | {"delay": 0}))
        context = MemoryContext()
        source = WebCrawler(config, context)
        offsets = []
        async for batch in source.read(SHARD, None):  # type: ignore[arg-type]
            context.apply(SHARD, batch)
            offsets.append(batch.offset["seq"])  # type: ignore[index]
            for record in batch.records:
                rows = [row for key, row in batch.state.items() if key.startswith("url|") and row]
                assert [row["state"] for row in rows if row["url"] == record.key] == ["page"]
                known = {row["url"] for row in rows} | _rows(context).keys()
                assert known >= set(record.value.links)
                assert any(key.startswith("host|") for key in batch.state)
    assert offsets == list(range(1, len(offsets) + 1))


@pytest.mark.parametrize(
    "robots",
    [
        Response(500), Response(503), Response(429), Response(304), Response(raw=b"", close=True),
        Response(302, headers={"Location": "http://169.254.169.254/robots.txt"}),
    ],
)  # fmt: skip
async def test_no_page_is_fetched_while_robots_txt_is_unreachable(
    robots: Response, crawl: Any
) -> None:
    async with _site({"/": _html("/a")}, robots) as server:
        context = await crawl(f"{server.url}/", retries=2)
        assert set(_paths(server)) == {"/robots.txt"}
    assert context.records == []
    assert context.reported[-1][1]["problem"]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
async def test_everything_is_allowed_without_a_robots_txt(status: int, crawl: Any) -> None:
    async with _site({"/": _html("/a"), "/a": _html()}, Response(status)) as server:
        assert len(_keys(await crawl(f"{server.url}/"))) == 2


@pytest.mark.parametrize(("hops", "pages"), [(5, 0), (6, 1)])
async def test_robots_txt_is_looked_for_through_five_redirects(
    hops: int, pages: int, crawl: Any
) -> None:
    def handler(request: Request) -> Response:
        if request.path == "/":
            return _html()
        n = int(request.path[2:]) if request.path != "/robots.txt" else 0
        if n < hops:
            return Response(302, headers={"Location": f"/r{n + 1}"})
        return Response(body="user-agent: *\ndisallow: /")

    async with HttpUpstream(handler) as server:
        assert len(_keys(await crawl(f"{server.url}/"))) == pages


async def test_a_stale_robots_txt_counts_while_a_new_one_is_unreachable(crawl: Any) -> None:
    async with _site({"/": _html("/a", "/no/b"), "/a": _html()}, Response(500)) as server:
        context, now = MemoryContext(), 10**13
        stale = {"lines": [[False, "/no/"]], "until": 1, "read_at": now}
        context.state(SHARD).write({f"robots|{server.url}": stale})
        await crawl(f"{server.url}/", context=context, retry_delay=60)
        assert Counter(_paths(server)) == {"/robots.txt": 1, "/": 1, "/a": 1}
    assert _rows(context)[f"{server.url}/no/b"]["why"] == "robots.txt"


async def test_robots_may_be_ignored_for_sites_of_ones_own(crawl: Any) -> None:
    async with _site({"/": _html()}, Response(body="user-agent: *\ndisallow: /")) as server:
        assert await crawl(f"{server.url}/") is not None
        assert len(_keys(await crawl(f"{server.url}/", robots="ignore"))) == 1


@pytest.mark.parametrize(("asked", "waits"), [("2.5", 2.5), ("3600", 30.0), ("abc", 1.0)])
async def test_crawl_delay_is_kept_for_the_host(asked: str, waits: float, crawl: Any) -> None:
    robots = Response(body=f"user-agent: *\ncrawl-delay: {asked}\n")
    async with _site({"/": _html()}, robots) as server:
        context = await crawl(f"{server.url}/", limit=2, delay=1.0)
        host, origin = f"host|{server.url[7:]}", f"robots|{server.url}"
        at, read = (context.state(SHARD).get(k) for k in (host, origin))
        assert waits * 1000 <= at["at"] - read["read_at"] < waits * 1000 + 900
        await crawl(f"{server.url}/", context=context.copy(), limit=0)
        assert "/" not in _paths(server)


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(("value", "waits"), [("30", 30), ("1000000000", 3600)])
async def test_retry_after_holds_the_host_over_a_restart(
    status: int, value: str, waits: int, crawl: Any
) -> None:
    busy = Response(status, headers={"Retry-After": value})
    async with _site({"/": busy, "/b": _html()}) as server:
        context = await crawl(f"{server.url}/", limit=3)
    assert context.held == [(f"web-crawler:{server.url[7:]}", waits)]
    restarted = context.copy()
    config = CrawlerConfig(seeds=[f"{server.url}/"])
    frontier = Frontier(
        config, restarted.state(SHARD), restarted.offsets[next(iter(restarted.offsets))]
    )
    again = Crawl(config, frontier)
    assert again.next_job() is None
    assert _rows(context)[f"{server.url}/"]["why"] == f"HTTP {status}"
    assert (again.wait_seconds() or 0) > min(waits, 60) - 20


async def test_a_busy_host_is_asked_again_and_then_recorded(crawl: Any) -> None:
    answers = [Response(429, headers={"Retry-After": "0"}), Response(500), _html()]

    def handler(request: Request) -> Response:
        return answers.pop(0) if request.path == "/" else Response(404)

    async with HttpUpstream(handler) as server:
        assert _keys(await crawl(f"{server.url}/")) == [f"{server.url}/"]
        assert _paths(server).count("/") == 3


async def test_while_no_host_answers_it_asks_to_be_called_again(crawl: Any) -> None:
    async with _site({"/": _html()}, Response(500)) as server:
        with pytest.raises(Retry, match="HTTP 500") as caught:
            await crawl(f"{server.url}/", retry_delay=60)
    assert 59 < (caught.value.after or 0) <= 60


async def test_a_failing_page_is_given_up_and_says_why(crawl: Any) -> None:
    cut = b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\nshort"
    pages = {"/": _html("/a"), "/a": Response(500), "/b": Response(raw=cut, close=True)}
    async with _site(pages) as server:
        context = await crawl(f"{server.url}/", f"{server.url}/b", retries=2)
        asked = Counter(_paths(server))
    assert (asked["/a"], asked["/b"]) == (3, 3)
    rows = _rows(context)
    assert (rows[f"{server.url}/a"]["state"], rows[f"{server.url}/a"]["why"]) == (
        "failed",
        "HTTP 500",
    )
    assert rows[f"{server.url}/b"]["state"] == "failed"
    assert _keys(context) == [f"{server.url}/"]


async def test_a_dead_host_ends_the_crawl_and_holds_up_no_other(crawl: Any) -> None:
    async with _site({"/": _html()}) as server:
        context = await crawl("http://127.0.0.1:1/", f"{server.url}/", retries=1)
        assert _keys(context) == [f"{server.url}/"]


async def test_redirects_that_lead_nowhere_end(crawl: Any) -> None:
    def to(place: str) -> Response:
        return Response(302, headers={"Location": place})

    pages = {f"/hop/{n}": to(f"/hop/{n + 1}") for n in range(30)}
    targets = ["/x", "/private", "file:///etc/passwd", "http://other.example/", "/hop/0", "//["]
    pages |= {f"/{n}": to(target) for n, target in enumerate(targets)}
    pages |= {"/x": to("/y"), "/y": to("/x"), "/self": to("/self#f"), "/private": _html()}
    robots = Response(body="user-agent: *\ndisallow: /private")
    async with _site(pages, robots) as server:
        seeds = [f"{server.url}/{n}" for n in range(len(targets))]
        context = await crawl(*seeds, f"{server.url}/self", allow=[f"{server.url}/"])
        asked = Counter(_paths(server))
    assert context.records == []
    assert max(asked.values()) == 1
    assert "/private" not in asked
    assert sum(path.startswith("/hop/") for path in asked) == 10
    assert "out of scope" in _rows(context)[f"{server.url}/3"]["why"]


async def test_a_redirect_to_the_metadata_of_a_cloud_is_refused(crawl: Any) -> None:
    target = "http://169.254.169.254/latest/meta-data/"
    pages = {"/": Response(302, headers={"Location": target})}
    async with _site(pages) as server:
        context = await crawl(f"{server.url}/", allow=[server.url, "169.254.169.254"])
    assert _rows(context)[target]["state"] == "refused"
    assert context.records == []


async def test_private_addresses_are_refused_by_default(crawl: Any) -> None:
    async with _site({"/": _html()}) as server:
        context = await crawl(f"{server.url}/", allow_private=False, ports=[server.port])
        assert server.requests == []
    assert "allow_private" in _rows(context)[f"{server.url}/"]["why"]


async def test_recrawl_records_only_what_changed_and_what_is_gone(crawl: Any) -> None:
    seen: Counter[str] = Counter()

    def handler(request: Request) -> Response:
        path = request.path
        seen[path] += 1
        if path == "/gone":
            return _html() if seen[path] == 1 else Response(404)
        if path == "/etag":
            fresh = request.headers.get("if-none-match") == 'W/"1"'
            headers = {"ETag": 'W/"1"', "Content-Type": "text/html"}
            return Response(304) if fresh else Response(body="etag", headers=headers)
        if path == "/changes":
            return _html(text=f"version {min(seen[path], 2)}")
        return _html("/gone", "/etag", "/changes") if path == "/" else Response(404)

    async with HttpUpstream(handler) as server:
        context = MemoryContext()
        while min(seen[path] for path in ("/", "/gone", "/etag", "/changes")) < 5:
            await crawl(f"{server.url}/", context=context, recrawl=0.01, limit=1)
    got = Counter((record.key.split("/")[3], record.value is None) for record in context.records)
    assert got == {("", False): 1, ("gone", False): 1, ("gone", True): 1, ("etag", False): 1,
                   ("changes", False): 2}  # fmt: skip
    assert any("if-none-match" in request.headers for request in server.requests)
    assert _rows(context)[f"{server.url}/etag"]["state"] == "unchanged"
    ids = [dict(record.headers)["event_id"] for record in context.records]
    assert len(set(ids)) == len(ids)


async def test_max_pages_is_exact_whatever_the_concurrency(crawl: Any) -> None:
    def linked(server: HttpUpstream) -> int:
        return sum(path != "/robots.txt" for path in _paths(server))

    pages = {f"/{n}": _html(*(f"/{m}" for m in range(20)), text=str(n)) for n in range(20)}
    for most in (1, 2, 7):
        async with _site(pages) as one, _site(pages) as two:
            seeds = [f"{one.url}/0", f"{two.url}/0"]
            context = await crawl(*seeds, max_pages=most)
            assert len(_keys(context)) == linked(one) + linked(two) == most
            await crawl(*seeds, context=context, max_pages=most + 3)
            assert len(set(_keys(context))) == linked(one) + linked(two) == most + 3


async def test_a_narrower_scope_counts_for_what_waits_already(crawl: Any) -> None:
    async with _site({"/": _html("/a", "/b"), "/a": _html(), "/b": _html()}) as server:
        context = await crawl(f"{server.url}/", limit=3)
        await crawl(f"{server.url}/", context=context, deny=[f"{server.url}/a"])
        assert sorted(_paths(server)) == ["/", "/b", "/robots.txt"]
    assert _rows(context)[f"{server.url}/a"]["why"] == "out of scope"


async def test_a_closed_origin_is_left_alone_until_its_time(crawl: Any) -> None:
    async with _site({"/": _html()}) as server:
        context, until = MemoryContext(), 9 * 10**12
        closed = {"until": until, "closed": "robots.txt unreachable: HTTP 500"}
        context.state(SHARD).write({f"robots|{server.url}": closed})
        await crawl(f"{server.url}/", context=context, limit=2)
        assert server.requests == []
    assert f"|{until}|" in _rows(context)[f"{server.url}/"]["queue"]


async def test_depth_links_and_scope_bound_a_crawl(crawl: Any) -> None:
    pages = {f"/{n}": _html(f"/{n + 1}") for n in range(9)}
    async with _site(pages) as server:
        seed = f"{server.url}/0"
        assert len(_keys(await crawl(seed, max_depth=3))) == 4
        assert len(_keys(await crawl(seed, follow_links=False))) == 1
        assert len(_keys(await crawl(seed, deny=[f"{server.url}/5"]))) == 5
        assert len(_keys(await crawl(seed, max_urls=2))) == 2


async def test_a_slow_host_holds_up_no_other_and_is_asked_one_thing_at_a_time() -> None:
    release, most, now = asyncio.Event(), 0, 0

    async def slow(request: Request) -> Response:
        nonlocal most, now
        now += 1
        most = max(most, now)
        await release.wait()
        now -= 1
        return _html("/a", "/b") if request.path == "/" else Response(404)

    async with HttpUpstream(slow) as server, Upstream(articles=5) as site:
        context = MemoryContext()
        options = site.config() | {"delay": 0}
        options["seeds"] = [f"{server.url}/", *options["seeds"]]
        source = WebCrawler(CrawlerConfig(**options), context)
        crawling = asyncio.create_task(context.run(source, SHARD))
        async with asyncio.timeout(30):
            while len(context.records) < len(site.expected()):
                await asyncio.sleep(0.01)
            assert _paths(server) == ["/robots.txt"]
            release.set()
            await crawling
    assert sorted(_keys(context)) == sorted([*site.expected(), f"{server.url}/"])
    assert most == 1


async def test_nothing_is_left_running_when_the_generator_is_closed(crawl: Any) -> None:
    async with (
        HttpUpstream(lambda _: Response(delay=3600)) as server,
        Upstream(articles=3) as site,
    ):
        before = asyncio.all_tasks()
        await crawl(f"{server.url}/", *site.config()["seeds"], limit=3)
        left = [task.get_coro().__qualname__ for task in asyncio.all_tasks() - before]  # type: ignore[union-attr]
    assert not [name for name in left if not name.startswith("Door")]


@pytest.mark.slow
async def test_sitemaps_are_followed_through_indexes_and_taken_in_by_steps(crawl: Any) -> None:
    space = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'
    async with HttpUpstream(lambda request: files.get(request.path, Response(404))) as server:
        index = f"<sitemapindex {space}><sitemap><loc>/m.gz</loc></sitemap></sitemapindex>"
        urls = "".join(f"<url><loc>/p/{n}</loc></url>" for n in range(2500))
        packed = gzip.compress(f"<urlset {space}>{urls}</urlset>".encode())
        files = {"/index.xml": Response(body=index), "/m.gz": Response(body=packed)}
        options = {"sitemaps": [f"{server.url}/index.xml"], "max_pages": 1, "robots": "ignore"}
        context = MemoryContext()
        for _ in range(20):
            context = context.copy()
            await crawl(f"{server.url}/", context=context, limit=2, **options)
        rows = _rows(context)
    assert sum("/p/" in url for url in rows) == 2500
    assert {rows[f"{server.url}/{name}"]["state"] for name in ("index.xml", "m.gz")} == {"sitemap"}


async def test_a_new_seed_is_crawled_after_a_finished_crawl(crawl: Any) -> None:
    async with _site({"/": _html(), "/new": _html("/more"), "/more": _html()}) as server:
        context = await crawl(f"{server.url}/")
        await crawl(f"{server.url}/", f"{server.url}/new", context=context)
        assert _paths(server) == ["/robots.txt", "/", "/new", "/more"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"seeds": []}, "at least 1"),
        ({"seeds": ["ftp://a.example"]}, "no http or https URL"),
        ({"seeds": ["http://me:secret@a.example"]}, "without a password"),
        ({"seeds": ["http://a"], "allow": ["http://"]}, "no http or https URL"),
        ({"seeds": ["http://a"], "deny": ["a b"]}, "neither a host"),
        ({"seeds": ["http://a"], "user_agent": "1.0"}, "must start with a name"),
        ({"seeds": ["http://a"], "user_agent": "bot\r\nX: y"}, "must start with a name"),
        ({"seeds": ["http://a"], "delay": "1 year"}, "valid number"),
        ({"seeds": ["http://a"], "recrawl": "sometimes"}, "never"),
        ({"seeds": ["http://a"], "speed": 1}, "Extra inputs"),
    ],
)
def test_wrong_options_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        CrawlerConfig(**options)


def test_every_option_is_described_and_takes_units() -> None:
    assert all(field.description for field in CrawlerConfig.model_fields.values())
    config = CrawlerConfig(seeds=["http://a"], delay="500ms", max_body="2MiB", recrawl="6h")  # type: ignore[arg-type]
    assert (config.delay, config.max_body, config.recrawl) == (0.5, 2 << 20, 21_600.0)
