"""The options of clients: an address or a token that can't be used is told at `check`."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from connectors_core.clients import HttpConfig, WebSocketConfig


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("ftp://host/", "must be like https://host"),
        ("host/path", "must be like https://host"),
        ("https://", "must be like https://host"),
        ("https://ho\nst", "must be like https://host"),
        ("wss://host", "must be like https://host"),
        ("https://me:secret@host", "must have no user and password"),
        ("https://host/a?key=1", "must have no ? and no #"),
        ("https://host/#a", "must have no ? and no #"),
        ("https://host:port", "Port"),
    ],
)
def test_an_address_that_is_not_for_http_is_refused(url: str, said: str) -> None:
    with pytest.raises(ValidationError, match="url") as caught:
        HttpConfig(url=url)
    assert said in str(caught.value) and "secret@" not in str(caught.value)


def test_a_feed_may_have_a_query_and_no_user() -> None:
    assert WebSocketConfig(url="wss://host/a?b=c").url == "wss://host/a?b=c"
    for url in ("https://host", "wss://a:b@host"):
        with pytest.raises(ValidationError):
            WebSocketConfig(url=url)


@pytest.mark.parametrize("token", ["", "two words", "line\n", "schlüssel"])
def test_a_token_that_cant_be_sent_is_refused_and_not_shown(token: str) -> None:
    with pytest.raises(ValidationError, match="token") as caught:
        HttpConfig(url="https://host", token=token)
    assert not token or token not in str(caught.value)


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf")])
def test_times_are_above_zero_and_end(seconds: float) -> None:
    for name in ("poll_ms", "timeout_ms", "per_second"):
        with pytest.raises(ValidationError, match=name):
            HttpConfig.model_validate({"url": "https://host", name: seconds})
    for name in ("silence_ms", "timeout_ms"):
        with pytest.raises(ValidationError, match=name):
            WebSocketConfig.model_validate({"url": "wss://host", name: seconds})


def test_times_have_their_unit_in_their_name_and_take_text() -> None:
    config = HttpConfig.model_validate({"url": "https://host", "poll_ms": "1m", "timeout_ms": 250})
    assert (config.poll_ms, config.poll_seconds, config.timeout_ms) == (60_000, 60.0, 250)
    assert (
        WebSocketConfig.model_validate({"url": "wss://h", "silence_ms": "30s"}).silence_ms == 30_000
    )
