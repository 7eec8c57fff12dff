"""The compose file as Docker Compose reads it: aliases merged, variables put in."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "compose"
FILE = COMPOSE / "compose.yaml"
BROKERS = ("Broker00", "Broker01", "Broker02")

_VARIABLE = re.compile(r"(?<!\$)\$\{(\w+)(?::([-?])([^}]*))?\}")


def dotenv() -> Mapping[str, str]:
    """Return the variables of compose/.env."""
    lines = (COMPOSE / ".env").read_text("utf-8").splitlines()
    pairs = (line.partition("=") for line in lines if line and not line.startswith("#"))
    return {name: value for name, _, value in pairs}


def interpolate(text: str, variables: Mapping[str, str]) -> str:
    """Put variables in as Compose does: `${NAME:-default}`, `${NAME:?what to do}`, `$$` for `$`."""

    def value(found: re.Match[str]) -> str:
        name, sign, rest = found.groups()
        if variables.get(name):
            return variables[name]
        assert sign == "-", f"{name} {rest or 'is not set'}"
        return str(rest)

    return _VARIABLE.sub(value, text).replace("$$", "$")


def stack(variables: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return the whole file, with the variables of compose/.env unless others are given."""
    text = FILE.read_text("utf-8")
    loaded: dict[str, Any] = yaml.safe_load(
        interpolate(text, dotenv() if variables is None else variables)
    )
    return loaded


def service(name: str) -> dict[str, Any]:
    """Return one service of the file."""
    found: dict[str, Any] = stack()["services"][name]
    return found


def environment(name: str) -> dict[str, str]:
    """Return the environment of a service; Compose hands out nothing but text."""
    return {key: str(value) for key, value in service(name)["environment"].items()}


def tool(name: str) -> str:
    """Return the command of a checker; without it a test is skipped, aloud, and in CI it fails."""
    places = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    found = shutil.which(name, path=places)
    if found is None:
        reason = f"NO {name}: install the test tools again, with `make install`."
        if os.environ.get("CI"):
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    return found
