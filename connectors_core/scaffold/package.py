"""Writes a plugin's package: a copy of a template, under the plugin's name."""

from __future__ import annotations

import re
import shutil
from collections.abc import Collection, Mapping
from pathlib import Path

from connectors_core.api.errors import ConfigError

TEMPLATES = Path(__file__).resolve().parent
LONGEST = 60
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
# What running or checking a template in its place leaves behind.
_LEFT_BEHIND = {"__pycache__", ".mypy_cache", ".pytest_cache", ".ruff_cache"}


def spellings(kind: str, name: str) -> Mapping[str, str]:
    """Return what stands in a template, and what takes its place: the plugin's name in text, in
    Python's names, and in the names of classes."""
    return {
        f"sample-{kind}": name,
        f"sample_{kind}": name.replace("-", "_"),
        # With the kind at its end a class can't be called as a keyword or as what it imports.
        f"Sample{kind.title()}": "".join(each.title() for each in name.split("-")) + kind.title(),
    }


def require_name(name: str, taken: Collection[str]) -> None:
    """Raise ConfigError for a name that no package can have, or a plugin that is installed has."""
    if len(name) > LONGEST or not _NAME.fullmatch(name):
        raise ConfigError(
            f"{name!r:.80}: the name of a package's plugin is of small letters, digits and single"
            f" hyphens, begins with a letter and has at most {LONGEST} characters. {_cure(name)}",
            code="new.name",
        )
    if name in taken:
        raise ConfigError(
            f"{name!r}: a plugin of this name is installed. Choose another name;"
            " `pyconnect plugins` lists those that are taken.",
            code="new.name",
        )


def write(kind: str, name: str, into: Path) -> list[Path]:
    """Write the package `pyconnect-NAME` below `into`; return its files, the folder first.

    Raises ConfigError if there is something of that name. What could not be written whole is taken
    away again.
    """
    target = into / f"pyconnect-{name}"
    try:
        target.mkdir()
    except FileExistsError:
        raise ConfigError(
            f"{target} is there already, and nothing is overwritten. Move it away, choose another"
            " name, or another folder with --into.",
            code="new.exists",
        ) from None
    except (FileNotFoundError, NotADirectoryError):
        raise ConfigError(
            f"{into} is no folder. Make it first, or name another one with --into.",
            code="new.into",
        ) from None
    try:
        return [target, *sorted(_copied(TEMPLATES / kind, target, spellings(kind, name)))]
    except BaseException:
        shutil.rmtree(target, ignore_errors=True)
        raise


def _copied(template: Path, target: Path, names: Mapping[str, str]) -> list[Path]:
    found = [each for each in template.rglob("*") if each.is_file()]
    made = []
    for file in found:
        place = file.relative_to(template)
        if _LEFT_BEHIND.isdisjoint(place.parts):
            copy = target / _renamed(str(place), names)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_text(_renamed(file.read_text("utf-8"), names), "utf-8")
            made.append(copy)
    return made


def _renamed(text: str, names: Mapping[str, str]) -> str:
    for sample, name in names.items():
        text = text.replace(sample, name)
    return text


def _cure(name: str) -> str:
    """Return the nearest name that can be used."""
    near = re.sub(r"[^a-z0-9]+", "-", name.lower().removeprefix("pyconnect-"))[:LONGEST].strip("-")
    return f"Write {near}." if _NAME.fullmatch(near) else "Write json-items, for example."
