"""What the worker lends the tasks of a connector, and who may have it again after a takeover."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from connectors_core.api.errors import FencedError
from connectors_core.runtime.task import Resources


class Loan:
    """Had by the first who asks, and the same for all until somebody calls `renew`.

    Invariant 4: an owner that was fenced yields. Nothing takes a connector back by itself: after
    one try that was fenced too, all who ask are told so until the next `renew`. `get` acquires;
    `give_up` is called before it with what was lent until then. Lives on the data plane's loop.
    """

    def __init__(
        self,
        get: Callable[[], Awaitable[Resources]],
        give_up: Callable[[Resources], Awaitable[None]],
    ) -> None:
        self._get = get
        self._give_up = give_up
        self._one_at_a_time = asyncio.Lock()
        self._lent: Resources | None = None
        self._lost: Resources | None = None
        self._fenced: FencedError | None = None

    async def resources(self) -> Resources:
        """Return what is lent, acquired if need be. Raises what keeps it from being had."""
        async with self._one_at_a_time:
            if self._fenced is not None:
                raise self._fenced
            if self._lent is None:
                self._lent = await self._acquired()
            return self._lent

    def renew(self) -> None:
        """Let the next who asks acquire it anew: a user wants the connector back."""
        self._lost = self._lent or self._lost
        self._lent = self._fenced = None

    async def _acquired(self) -> Resources:
        if self._lost is not None:
            await self._give_up(self._lost)
            self._lost = None
        try:
            return await self._get()
        except FencedError as error:
            self._fenced = error
            raise
