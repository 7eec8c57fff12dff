"""The error tree, grouped by what the engine does about each.

PyconnectError            code, place, cure; exit code 1
├── ConfigError           fix the file: nothing starts, exit code 2, never restarted
├── Retry                 transient: whole units are committed, then read again after a back-off
├── OffsetError           the stored offset is of no use: `offset.reset` decides
├── DataError             one record: `errors.tolerance` decides
│   └── SchemaError       a value that its schema refuses
├── ContractError         the plugin broke the contract of a source: its task fails
├── FencedError           another owner took over: stop at once
└── StoreError            the environment of the log: exit code 3, the task is restarted
    ├── StoreFull         no room: commits wait until there is some
    └── StoreUnreachable  no answer: tried again for as long as it takes
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite


class PyconnectError(Exception):
    """An error that says where it happened and what to do about it.

    `code` is a stable dotted name. `place` is a file and line, a connector, or a field.
    `restartable` says whether the restart policy may try again.
    """

    code = "pyconnect"
    exit_code = 1
    restartable = True

    def __init__(self, message: str, *, code: str | None = None, place: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.place = place
        if code is not None:
            self.code = code

    def __str__(self) -> str:
        return f"{self.place}: {self.message}" if self.place else self.message


class ConfigError(PyconnectError):
    """One or more mistakes in what the user wrote; `problems` has them all."""

    code = "config"
    exit_code = 2
    restartable = False

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        place: str = "",
        problems: Sequence[ConfigError] = (),
    ) -> None:
        super().__init__(message, code=code, place=place)
        self.problems: tuple[ConfigError, ...] = tuple(problems) or (self,)

    @classmethod
    def of(cls, problems: Sequence[ConfigError]) -> ConfigError:
        """Join many mistakes into one error whose text is one line for each."""
        flat = [single for problem in problems for single in problem.problems]
        return cls("\n".join(str(problem) for problem in flat), problems=flat)


class Retry(PyconnectError):
    """Raised by a source: something outside is not there just now.

    `after` is in seconds, None leaves the wait to the runtime's back-off. Raises ContractError for
    one that is no finite number, which no timer bears.
    """

    code = "retry"

    def __init__(
        self, message: str = "", *, after: float | None = None, code: str | None = None
    ) -> None:
        super().__init__(message or "the source asked to be read again", code=code)
        if after is not None and not isfinite(after):
            raise ContractError(
                f"Retry(after={after}): must be a finite number of seconds.", code="source.retry"
            )
        self.after = after


class OffsetError(PyconnectError):
    """Raised by a source that can't go on from the offset it was given."""

    code = "offset"
    restartable = False


class DataError(PyconnectError):
    """One record can't be delivered; `errors.tolerance` decides what becomes of it."""

    code = "data"
    restartable = False


class SchemaError(DataError):
    """A value that does not fit its schema, or a schema that can't change in this way."""

    code = "schema"


class ContractError(PyconnectError):
    """A plugin did what the contract of a source forbids."""

    code = "source"
    restartable = False


class FencedError(PyconnectError):
    """Another owner holds what this one held; it stops and never commits again."""

    code = "fenced"
    restartable = False


class StoreError(PyconnectError):
    """The log can't be opened, read or written."""

    code = "store"
    exit_code = 3


class StoreFull(StoreError):
    """No room to write: nothing was stored, and the same commit may be tried again."""

    code = "store.full"


class StoreUnreachable(StoreError):
    """The log did not answer in time; it will, or somebody must look after it.

    The restart policy does not count these: an outage never ends a connector for good.
    """

    code = "store.unreachable"
