"""How a command ends when something goes wrong: a message and an exit code, never a traceback."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click

from connectors_core.api.errors import ConfigError, PyconnectError
from connectors_core.cli.escape import one_line

INTERRUPTED = 130
"""128 + SIGINT, as shells have it."""


@contextmanager
def guarded(ctx: click.Context) -> Iterator[None]:
    """Turn what a user can do wrong, and what an environment can refuse, into an exit code.

    An exception that is none of these is a bug of ours and keeps its traceback.
    """
    try:
        yield
        sys.stdout.flush()
    except PyconnectError as error:
        tell(error)
        ctx.exit(error.exit_code)
    except BrokenPipeError:
        # The reader of our output has seen enough (`| head`); that is no failure.
        _silence_stdout()
        ctx.exit(0)
    except KeyboardInterrupt:
        ctx.exit(INTERRUPTED)
    except click.Abort as abort:
        ctx.exit(_aborted(abort))
    except OSError as error:
        click.echo(one_line(f"pyconnect: {error}"), err=True)
        ctx.exit(3)


def tell(error: PyconnectError) -> None:
    """Write an error to stderr, one line for each problem, the place first."""
    problems = error.problems if isinstance(error, ConfigError) else (error,)
    for problem in problems:
        click.echo(one_line(str(problem)), err=True)


def _aborted(abort: click.Abort) -> int:
    if isinstance(abort.__context__, KeyboardInterrupt):
        return INTERRUPTED
    click.echo("Nothing was changed: there is no answer to read. Add --yes.", err=True)
    return 1


def _silence_stdout() -> None:
    # Python flushes stdout once more at exit, and would complain there.
    try:
        descriptor = sys.stdout.fileno()
    except (OSError, ValueError):
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, descriptor)
    os.close(nowhere)
