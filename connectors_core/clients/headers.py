"""Headers that go with what a client sends, checked before a library's own error shows them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from connectors_core.api.errors import ConfigError

_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_VALUE = re.compile(r"[\x20-\x7e\t]*")
NONE: Mapping[str, str] = MappingProxyType({})


def sendable(headers: Mapping[str, str], place: str) -> dict[str, str]:
    """Return the headers. Raises ConfigError, which shows no value, for one that can't be sent."""
    for name, value in headers.items():
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            said = "the name of a header can't be sent: it must be ASCII without spaces."
            raise ConfigError(said, code="config.request", place=place)
        if not isinstance(value, str) or not _VALUE.fullmatch(value):
            said = f"the value of the header {name} can't be sent: it must be printable ASCII."
            cure = "Check the option that it comes from."
            raise ConfigError(f"{said} {cure}", code="config.request", place=place)
    return dict(headers)
