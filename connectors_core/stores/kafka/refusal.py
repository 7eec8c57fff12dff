"""Refusals: brokers that are there and let nobody in, told from brokers that do not answer."""

from __future__ import annotations

from typing import Any

from confluent_kafka import KafkaError

_LOGIN, _TLS = KafkaError._AUTHENTICATION, KafkaError._SSL  # noqa: SLF001
_CURES = {
    _LOGIN: "Check sasl.username and sasl.password (or the token), and that sasl.mechanism and"
    " security.protocol are those of this listener.",
    _TLS: "Name the certificate of who has signed the brokers' in ssl.ca.location, and check that"
    " this port of theirs speaks TLS.",
}


class Refusal:
    """The newest reason for which a connection could not be had; the client calls `hear`."""

    def __init__(self) -> None:
        self._error: Any = None

    def hear(self, error: Any) -> None:
        """Keep an error of the client, if it is one of logging in or of TLS. Never raises."""
        if error.code() in _CURES:
            self._error = error

    def forget(self) -> None:
        """A broker let us in: what was heard before is over."""
        self._error = None

    def text(self) -> str:
        """Return what was refused and what to do, or nothing."""
        if self._error is None:
            return ""
        return f"the brokers let nobody in: {self._error.str()}. {_CURES[self._error.code()]}"
