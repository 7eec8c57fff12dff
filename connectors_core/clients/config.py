"""HttpConfig and WebSocketConfig: the options that every source of that kind needs."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator

from connectors_core.api.config import Config, Milliseconds

_TOKEN = re.compile(r"[\x21-\x7e]+")
_SENT_AS = "Sent as `Authorization: Bearer …`, if it is given."
DAY_MS = 86_400_000


def _can_be_sent(token: SecretStr | None) -> SecretStr | None:
    # A client's own error would show the token.
    if token is not None and not _TOKEN.fullmatch(token.get_secret_value()):
        raise ValueError("must be printable ASCII without spaces, and not empty")
    return token


class HttpConfig(Config):
    """The options of a source that asks an HTTP API. Subclass it to add your own."""

    url: str = Field(description="Where the API is, as https://host or https://host/path.")
    token: SecretStr | None = Field(None, description=_SENT_AS)
    poll_ms: Milliseconds = Field(
        5000, ge=1, le=DAY_MS, description="Time between two looks for more, at the end."
    )
    timeout_ms: Milliseconds = Field(
        10_000, ge=1, le=DAY_MS, description="Time that an answer may take, to its last byte."
    )
    per_second: float = Field(
        5.0,
        gt=0,
        le=1e6,
        description="Requests a second, shared with all connectors that ask the same host.",
    )

    _token = field_validator("token")(_can_be_sent)

    @property
    def poll_seconds(self) -> float:
        """`poll_ms` as asyncio.sleep takes it."""
        return self.poll_ms / 1000

    @field_validator("url")
    @classmethod
    def _is_http(cls, url: str) -> str:
        parts = urlsplit(_host_and_no_user(url, "http", "https"))
        if parts.query or parts.fragment:
            raise ValueError("must have no ? and no #")
        return url


class WebSocketConfig(Config):
    """The options of a source that reads a WebSocket. Subclass it to add your own."""

    url: str = Field(description="Where the feed is, as wss://host/path.")
    token: SecretStr | None = Field(None, description=_SENT_AS)
    silence_ms: Milliseconds = Field(
        60_000,
        ge=1,
        le=DAY_MS,
        description="Time without a message after which it connects anew.",
    )
    timeout_ms: Milliseconds = Field(
        10_000, ge=1, le=DAY_MS, description="Time that a connection may take to open."
    )

    _token = field_validator("token")(_can_be_sent)

    @field_validator("url")
    @classmethod
    def _is_websocket(cls, url: str) -> str:
        return _host_and_no_user(url, "ws", "wss")


def _host_and_no_user(url: str, *schemes: str) -> str:
    """Return the URL. Raises ValueError for what can't be asked, or would show a password."""
    parts = urlsplit(url)
    plain = url.isprintable() and " " not in url
    if parts.scheme not in schemes or not parts.hostname or not plain:
        raise ValueError(f"must be like {schemes[-1]}://host")
    if parts.username is not None:
        raise ValueError("must have no user and password: they would be shown. Use `token`")
    parts.port  # noqa: B018 - raises ValueError for what is no port
    return url
