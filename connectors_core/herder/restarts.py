"""The restart policy: which errors are tried again, how long to wait, when to give up."""

from __future__ import annotations

from connectors_core.api.config import ConnectorOptions
from connectors_core.api.errors import PyconnectError, StoreUnreachable
from connectors_core.herder.model import Failure
from connectors_core.runtime.retry import Backoff, describe, error_group, restartable

AWAY_SECONDS = 5.0
"""The longest wait while the store can't be reached: it is back for all at once."""


class Restarts:
    """Decides after each failure. Opens its circuit after `restart.max` failures in a row with no
    committed record between them; a store that can't be reached is waited for without end."""

    def __init__(self, options: ConnectorOptions) -> None:
        self._most = options.restart_max
        self._backoff = Backoff(
            options.restart_delay_ms / 1000, options.restart_delay_max_ms / 1000
        )
        self._away = Backoff(
            min(options.restart_delay_ms / 1000, AWAY_SECONDS),
            min(options.restart_delay_max_ms / 1000, AWAY_SECONDS),
        )
        self._in_a_row = 0

    def wait_after(self, error: BaseException, *, progressed: bool) -> float | None:
        """Return the seconds to wait before a restart, None to leave it FAILED."""
        if not restartable(error):
            return None
        if isinstance(error, StoreUnreachable):
            return self._away.next(progressed=progressed)
        self._in_a_row = 1 if progressed else self._in_a_row + 1
        if 0 <= self._most < self._in_a_row:
            return None
        return self._backoff.next(progressed=progressed)

    def forget(self) -> None:
        """Start counting anew: somebody asked for a restart."""
        self._in_a_row = 0


def failure_of(error: BaseException) -> Failure:
    """Return what is kept and shown of an error."""
    code = error.code if isinstance(error, PyconnectError) else type(error).__name__
    return Failure(code, error_group(error), describe(error))
