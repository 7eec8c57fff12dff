"""The API: asked page by page. What goes wrong on the way is a Retry, and is asked again."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
from connectors_core import Retry


async def follow(
    client: httpx.AsyncClient, url: str, after: int, poll: float
) -> AsyncIterator[dict[str, Any]]:
    """Give the items whose id is above `after`, and wait for more at the end."""
    while True:
        page = await ask(client, url, after)
        for item in page.values():
            yield item
        after = max(page, default=after)
        await asyncio.sleep(0 if page else poll)


async def ask(client: httpx.AsyncClient, url: str, after: int) -> dict[int, dict[str, Any]]:
    """Return one page by id. The timeout is for all of it: httpx's own ones begin anew with each
    byte."""
    try:
        async with asyncio.timeout(client.timeout.read):
            answer = await client.get(url, params={"after": after})
        if answer.is_success:
            return {item["id"]: item for item in answer.json()}
    except (httpx.HTTPError, TimeoutError, LookupError, TypeError, ValueError) as error:
        raise Retry(f"{url}: {error!r}") from error
    wait = answer.headers.get("Retry-After", "")
    seconds = float(wait) if wait.isdecimal() else None
    raise Retry(f"{url}: HTTP {answer.status_code}", after=seconds)
