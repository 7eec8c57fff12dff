"""`kill -9` at any time: every page is in the log, once."""

from __future__ import annotations

import asyncio
import json
import random
import sys
from pathlib import Path
from typing import Any

import pytest

from pyconnect_web_crawler.testing import Upstream

KILLS = 8


async def _pyconnect(*arguments: str, cwd: Path) -> asyncio.subprocess.Process:
    code = "from connectors_core.cli import main; main()"
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *("-c", code, *arguments),
        cwd=cwd,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def _run(site: Upstream, folder: Path, kill_after: int | None) -> int | None:
    """Run the crawl to its end, or kill it once the site has seen so many more requests."""
    process = await _pyconnect("run", "site.yaml", "--log-level", "warning", cwd=folder)
    ending = asyncio.create_task(process.communicate())
    seen = len(site.server.requests)
    while kill_after is not None and not ending.done():
        if len(site.server.requests) >= seen + kill_after:
            process.kill()
            break
        await asyncio.sleep(0.001)
    await ending
    return process.returncode


async def _records(folder: Path) -> list[dict[str, Any]]:
    process = await _pyconnect("export", "pages", "--format", "jsonl", cwd=folder)
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    return [json.loads(line) for line in out.splitlines()]


@pytest.mark.slow
@pytest.mark.timeout(180)
async def test_a_crawl_killed_again_and_again_records_every_page_once(tmp_path: Path) -> None:
    async with Upstream() as site:
        options = {"name": "site", "connector.class": "web-crawler", "topic": "pages"}
        (tmp_path / "site.yaml").write_text(json.dumps(options | site.config()))
        codes = [await _run(site, tmp_path, random.randrange(1, 8)) for _ in range(KILLS)]
        assert codes.count(-9) >= KILLS // 2
        assert await _run(site, tmp_path, None) == 0
        records = await _records(tmp_path)
    assert sorted(record["key"] for record in records) == site.expected()
