"""The restart policy: which errors are tried again, how long to wait, when to give up."""

from __future__ import annotations

from connectors_core.api.config import ConnectorOptions
from connectors_core.api.errors import PyconnectError
from connectors_core.herder.model import Failure
from connectors_core.runtime.retry import Backoff, describe, error_group, restartable


class Restarts:
    """Decides after each failure. Opens its circuit after `restart.max` failures in a row with no
    committed record between them."""

    def __init__(self, options: ConnectorOptions) -> None:
        self._most = options.restart_max
        self._backoff = Backoff(
            options.restart_delay_ms / 1000, options.restart_delay_max_ms / 1000
        )
        self._in_a_row = 0

    def wait_after(self, error: BaseException, *, progressed: bool) -> float | None:
        """Return the seconds to wait before a restart, None to leave it FAILED."""
        if not restartable(error):
            return None
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
