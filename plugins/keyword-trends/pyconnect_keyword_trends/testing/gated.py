"""Gated: an upstream behind a gate, which does the harm that a contract asks for."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import Any, Self

from connectors_core.testing import Gate, Request
from pyconnect_keyword_trends.testing.upstream import Upstream


class Gated(Upstream):
    """An upstream that is reached through `gate`, with short timeouts."""

    async def __aenter__(self) -> Self:
        self._stack = AsyncExitStack()
        await super().__aenter__()
        self.gate = await self._stack.enter_async_context(Gate(self.port))
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._stack.aclose()
        await super().__aexit__(*error)

    async def fault(self, kind: str) -> None:
        """Do harm of this kind. Raises NotImplementedError for one that it can't do."""
        await self.gate.fault(kind)

    @property  # type: ignore[override]
    def requests(self) -> list[Request]:
        """What was asked. What the feed notes too goes into a copy that nobody keeps."""
        return [*self.gate.requests]

    @requests.setter
    def requests(self, _: object) -> None:
        """Drop the notes of the feed."""

    def config(self) -> dict[str, Any]:
        """Return the options that point a connector here."""
        return {**super().config(), "base_url": self.gate.url, "timeout": 500}
