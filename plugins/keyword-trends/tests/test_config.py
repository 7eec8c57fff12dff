"""What a config may say."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from pyconnect_keyword_trends import KeywordTrends
from pyconnect_keyword_trends.config import TrendsConfig


def config(**options: Any) -> TrendsConfig:
    """Make a config as the runtime does, from plain values."""
    return TrendsConfig.model_validate({"provider": "jetstream", "keywords": ["kafka"], **options})


def test_spans_are_text_or_milliseconds() -> None:
    made = config(window="5m", max_out_of_order="250ms", idle_close=1500)
    assert (made.window, made.max_out_of_order, made.idle_close) == (300_000, 250, 1500)


def test_the_defaults_are_those_of_the_readme() -> None:
    made = config()
    assert (made.window, made.max_out_of_order, made.idle_close) == (60_000, 5000, 30_000)
    assert made.url("ws") == "wss://jetstream2.us-east.bsky.network"
    assert config(provider="google-rss").url("http") == "https://trends.google.com"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"keywords": []}, "needs at least one keyword"),
        ({"keywords": [5930]}, "valid string"),
        ({"keywords": ["BTC", "btc"]}, "the same as 'BTC'"),
        ({"keywords": ["  "]}, "1 to 100 characters"),
        ({"keywords": ["x" * 101]}, "1 to 100 characters"),
        ({"window": "60 seconds"}, "integer"),
        ({"window": 999}, "greater than or equal"),
        ({"base_url": "ftp://x"}, "like wss://host"),
        ({"base_url": "localhost:80"}, "like wss://host"),
        ({"provider": "google-rss", "poll_interval": "59s"}, "at least 60s"),
        ({"provider": "google-rss", "geo": ["korea"]}, "like KR or US-NY"),
        ({"provider": "google-rss", "geo": []}, "one region or more"),
        ({"provider": "google-rss", "geo": ["KR", "KR"]}, "each once"),
        ({"provider": "twitter"}, "jetstream"),
        ({"keyword": "kafka"}, "not permitted"),
    ],
)
def test_a_mistake_is_refused_with_its_reason(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        config(**options)


def test_another_server_may_be_polled_quicker() -> None:
    made = config(provider="google-rss", base_url="http://127.0.0.1:1", poll_interval="100ms")
    assert made.poll_interval == 100


@pytest.mark.parametrize("base", ["http://h:1/x", "ws://h:1/x/", "https://h:1/x", "wss://h:1/x"])
def test_one_base_url_serves_both_schemes_and_keeps_tls(base: str) -> None:
    secure = (
        "s"
        if (base.split(":", maxsplit=1)[0].endswith("s") and base[:2] != "ws") or base[:3] == "wss"
        else ""
    )
    assert config(base_url=base).url("ws") == f"ws{secure}://h:1/x"
    assert config(base_url=base).url("http") == f"http{secure}://h:1/x"


def test_every_option_is_described() -> None:
    assert KeywordTrends.config_class() is TrendsConfig
    assert all(field.description for field in TrendsConfig.model_fields.values())
