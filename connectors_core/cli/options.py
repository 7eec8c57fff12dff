"""Options that many commands share, and the types of what is written on the command line."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

_STEP = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|d)")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def duration(text: str) -> float:
    """Return seconds, from `500ms`, `20s`, `1m30s`, `2h` or a plain number of seconds; above 0."""
    seconds = _seconds(text.strip())
    if not seconds:
        raise click.BadParameter(f"{text!r} is no duration above 0. Write 20s, 1m30s or 500ms.")
    return seconds


def _seconds(text: str) -> float | None:
    if re.fullmatch(r"[0-9]+(\.[0-9]+)?", text):
        return float(text)
    if not re.fullmatch(f"(?:{_STEP.pattern})+", text):
        return None
    return sum(float(number) * _UNITS[unit] for number, unit in _STEP.findall(text))


def json_map(what: str) -> Callable[[str], str]:
    """Return a type of argument: a flat JSON map such as `{"path": "a.log"}`, made canonical."""

    def convert(text: str) -> str:
        import json

        from connectors_core.api.errors import ContractError
        from connectors_core.api.record import flat

        try:
            return flat(json.loads(text), what)
        except ContractError as error:
            raise click.BadParameter(error.message) from error
        except ValueError as error:
            raise click.BadParameter(f"not JSON ({error}). Quote it for the shell.") from error

    return convert


def place_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--data-dir`, `--kafka` and `--worker`; the command gets a `place`, where the log is."""

    @wraps(command)
    def placed(
        *args: Any, data_dir: Path | None, kafka: str | None, worker: Path | None, **options: Any
    ) -> Any:
        from connectors_core.app import Asked, find_place

        return command(*args, place=find_place(Asked(data_dir, kafka, worker)), **options)

    return _asked(placed)


def data_dir_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of `place_options` for what only needs the `data_dir` of a worker.

    No secret is read for it, so that whoever may see the worker's state needs none.
    """

    @wraps(command)
    def placed(
        *args: Any, data_dir: Path | None, kafka: str | None, worker: Path | None, **options: Any
    ) -> Any:
        from connectors_core.app import Asked, find_data_dir

        found = find_data_dir(Asked(data_dir, kafka, worker))
        return command(*args, data_dir=found, **options)

    return _asked(placed)


def _asked(command: F) -> F:
    for option in (
        click.option(
            "--worker",
            type=click.Path(dir_okay=False, path_type=Path),
            metavar="FILE",
            help="The worker's settings, a YAML file; $PYCONNECT_WORKER if not given.",
        ),
        click.option(
            "--kafka",
            metavar="HOST:PORT,...",
            help="The log is on this Kafka cluster; $PYCONNECT_KAFKA if not given.",
        ),
        click.option(
            "--data-dir",
            type=click.Path(file_okay=False, path_type=Path),
            metavar="DIR",
            help="Where the log is kept, or on Kafka the worker's own files; $PYCONNECT_DATA_DIR"
            " if not given, else ./pyconnect-data.",
        ),
    ):
        command = option(command)
    return command


def plugin_option(command: F) -> F:
    """Add `--plugin FILE.py`, as often as wanted."""
    return click.option(
        "--plugin",
        "plugins",
        type=click.Path(dir_okay=False, path_type=Path),
        multiple=True,
        metavar="FILE.py",
        help="A plugin in a file of its own. Can be repeated.",
    )(command)


def json_option(command: F) -> F:
    """Add `--json`, for programs that read the output."""
    return click.option("--json", "as_json", is_flag=True, help="Write JSON.")(command)


def paths_argument(command: F) -> F:
    """Add the connector files, at least one."""
    return click.argument(
        "paths",
        nargs=-1,
        required=True,
        metavar="FILE...",
        type=click.Path(path_type=Path),
    )(command)


def examples(*lines: str) -> str:
    """Return an epilog that shows commands as they are typed."""
    return "\n".join(("\b", "Examples:", *(f"  {line}" for line in lines)))
