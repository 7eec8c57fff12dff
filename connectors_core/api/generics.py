"""Finds the Config class that a plugin class names as its type argument."""

from __future__ import annotations

from typing import Any, get_args, get_origin

from connectors_core.api.config import Config


def config_of(cls: type[Any], generic: type[Any]) -> type[Config]:
    """Return C of `class X(generic[C])`, looking through base classes; `Config` if not named."""
    for base in cls.__mro__:
        for parent in getattr(base, "__orig_bases__", ()):
            if get_origin(parent) is generic:
                (argument,) = get_args(parent)
                if isinstance(argument, type) and issubclass(argument, Config):
                    return argument
    return Config
