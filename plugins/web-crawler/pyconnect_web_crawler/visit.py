"""A visit: one thing asked of one host, and what came of it. Knows no state."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Literal, TypeAlias

from pyconnect_web_crawler import charset, html, sitemap
from pyconnect_web_crawler.address import Refused
from pyconnect_web_crawler.fetch import Answer, Failed, Fetcher
from pyconnect_web_crawler.rows import Row
from pyconnect_web_crawler.url import canonical, split

REDIRECTS = frozenset({301, 302, 303, 307, 308})
BUSY = frozenset({429, 503})
ROBOTS_REDIRECTS = 5
THREAD_BYTES = 32 * 1024
"""A larger body is read in a thread, so that the loop goes on."""
LONGEST_HOLD_SECONDS = 3600.0

Task: TypeAlias = Literal["robots", "page", "denied", "outside", "closed"]


@dataclass(frozen=True, slots=True)
class Job:
    """What to do for the first URL of a host. Only `robots` and `page` ask the host."""

    host: str
    row: Row
    task: Task


@dataclass(frozen=True, slots=True)
class Content:
    """What a body says."""

    kind: str | None
    hash: str
    extract: html.Extract
    charset: str | None = None
    text: str | None = None


@dataclass(slots=True)
class Visit:
    """What came of a job: an answer, or why there is none. `refused`: nor will there be."""

    job: Job
    answer: Answer | None = None
    problem: str = ""
    refused: bool = False
    content: Content | None = None
    sitemap: sitemap.Sitemap | None = None


async def visit(job: Job, fetcher: Fetcher, agent: str) -> Visit:
    """Do a job. Raises nothing that a server can bring about."""
    result = Visit(job)
    try:
        if job.task == "robots":
            result.answer = await _robots(job.row.url, fetcher)
        elif job.task == "page":
            result.answer = await fetcher.get(job.row.url, _conditions(job.row))
            await _read(result, result.answer, agent)
    except Failed as failure:
        result.problem = str(failure)
    except Refused as refusal:
        result.problem, result.refused = str(refusal), True
    return result


async def _robots(url: str, fetcher: Fetcher) -> Answer:
    """Fetch the robots.txt of an origin. RFC 9309 2.3.1.2: more than five redirects, or one that
    leads nowhere, count as if there were none."""
    place = f"{split(url).origin}/robots.txt"
    for _ in range(ROBOTS_REDIRECTS + 1):
        answer = await fetcher.get(place)
        if answer.status not in REDIRECTS:
            return answer
        following = canonical(answer.headers.get("location", ""), place)
        if following is None:
            break
        place = following
    return Answer(404, {}, b"")


def _conditions(row: Row) -> dict[str, str]:
    """Ask only for what has changed (RFC 9110 13.1), if there is a record to keep."""
    if not row.emitted or row.hash is None:
        return {}
    headers = {}
    if row.etag:
        headers["If-None-Match"] = row.etag
    if row.modified:
        headers["If-Modified-Since"] = row.modified
    return headers


async def _read(result: Visit, answer: Answer, agent: str) -> None:
    if not 200 <= answer.status < 300:
        return
    row = result.job.row
    inline = len(answer.body) <= THREAD_BYTES
    if row.kind == "sitemap":
        if inline:
            result.sitemap = sitemap.parse(answer.body, row.url)
        else:
            result.sitemap = await asyncio.to_thread(sitemap.parse, answer.body, row.url)
    elif inline:
        result.content = understand(answer, row.url, agent)
    else:
        result.content = await asyncio.to_thread(understand, answer, row.url, agent)


def understand(answer: Answer, url: str, agent: str) -> Content:
    """Read a body by its type; what has none and looks like HTML is read as such."""
    declared = answer.headers.get("content-type", "")
    kind = declared.split(";", 1)[0].strip().lower() or None
    name = hashlib.sha256(answer.body).hexdigest()
    is_html = kind in {"text/html", "application/xhtml+xml"} or (
        kind is None and answer.body[:512].lstrip().startswith(b"<")
    )
    if not is_html and not (kind or "").startswith("text/"):
        content = Content(kind, name, html.Extract())
    else:
        text, codec = charset.decode(answer.body, declared)
        if is_html:
            found = html.extract(text, url, agent)
            content = Content(kind, name, found, codec, found.text)
        else:
            content = Content(kind, name, html.Extract(), codec, text[: html.MAX_TEXT])
    _header_directives(content.extract, answer.headers, agent)
    return content


def _header_directives(extract: html.Extract, headers: Mapping[str, str], agent: str) -> None:
    """Honour X-Robots-Tag, for everyone or with our name before it; another's is not for us."""
    ours = True
    for part in headers.get("x-robots-tag", "").split(","):
        name, colon, rest = part.partition(":")
        if colon and name.strip().lower() != "unavailable_after":
            ours, part = name.strip().lower() == agent.lower(), rest
        if ours:
            noindex, nofollow = html.directives(part)
            extract.noindex = extract.noindex or noindex
            extract.nofollow = extract.nofollow or nofollow


def hold_seconds(answer: Answer, now: float) -> float | None:
    """Return what Retry-After asks for (RFC 9110 10.2.3: seconds or a date), at most an hour."""
    text = answer.headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:12]), LONGEST_HOLD_SECONDS)
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, IndexError, TypeError):
        return None
    date = date if date.tzinfo is not None else date.replace(tzinfo=UTC)
    wait = (date - datetime.fromtimestamp(now, UTC)).total_seconds()
    return min(max(wait, 0.0), LONGEST_HOLD_SECONDS)
