"""Hands: pull the next item of a generator of either kind, and close it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from connectors_core.testing.law import Broken

END = object()
"""What is pulled after the last item."""


def hands(generator: Any) -> tuple[Callable[[], Any], Callable[[], Any]]:
    """Return what pulls the next item and what closes a generator of either kind."""
    if isinstance(generator, AsyncIterator) and hasattr(generator, "aclose"):
        return lambda: anext(generator, END), generator.aclose
    if not isinstance(generator, Iterator):
        raise Broken(
            f"read returned {type(generator).__name__}; it must be a generator that yields."
        )
    # A plain generator has one thread for all its life, as in the runtime.
    thread = ThreadPoolExecutor(1, thread_name_prefix="plain-source")
    loop = asyncio.get_running_loop()

    async def close() -> None:
        try:
            await loop.run_in_executor(thread, getattr(generator, "close", lambda: None))
        finally:
            thread.shutdown(wait=False)

    return lambda: loop.run_in_executor(thread, next, generator, END), close
