"""A whole crawl in a test: options laid over those of the fake site, no waiting between requests."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import pytest

from connectors_core.testing import MemoryContext
from pyconnect_web_crawler import CrawlerConfig, WebCrawler

Crawl: TypeAlias = Callable[..., Awaitable[MemoryContext]]
SHARD = {"shard": 0}


@pytest.fixture
def crawl() -> Crawl:
    """Return a function that crawls until the end, or until `limit` Batches are stored."""

    async def run(
        *seeds: str, context: MemoryContext | None = None, limit: int | None = None, **options: Any
    ) -> MemoryContext:
        context = context or MemoryContext()
        quick = {"allow_private": True, "delay": 0, "retry_delay": 0, "seeds": list(seeds)}
        source = WebCrawler(CrawlerConfig(**(quick | options)), context)
        await asyncio.wait_for(context.run(source, SHARD, limit), 60)
        return context

    return run
