"""The options of the crawler."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator

from connectors_core import Config
from pyconnect_web_crawler.robots import product_token
from pyconnect_web_crawler.scope import check_rule
from pyconnect_web_crawler.url import canonical

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_SIZES = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20}
_AMOUNT = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(ms|s|m|h|d|B|KiB|MiB)\s*")


def _amount(value: Any, units: dict[str, float] | dict[str, int]) -> Any:
    found = _AMOUNT.fullmatch(value) if isinstance(value, str) else None
    return float(found[1]) * units[found[2]] if found and found[2] in units else value


def _size(value: Any) -> Any:
    amount = _amount(value, _SIZES)
    return int(amount) if isinstance(amount, float) else amount


Seconds = Annotated[float, BeforeValidator(lambda value: _amount(value, _UNITS))]
"""A number of seconds, or text such as `500ms`, `30s`, `5m`, `1h`, `7d`."""
Size = Annotated[int, BeforeValidator(_size)]
"""A number of bytes, or text such as `512KiB`, `10MiB`."""


class CrawlerConfig(Config):
    """Options of `web-crawler`. Times are seconds or text such as `500ms`, `5m`, `7d`."""

    seeds: list[str] = Field(min_length=1, description="The URLs to start from.")
    sitemaps: bool | list[str] = Field(
        False, description="true: read the sitemaps that robots.txt names; or a list of their URLs."
    )
    allow: list[str] = Field(
        [],
        description="What may be fetched: hosts (`example.com`, `*.example.com`, `example.com:8080`) or"
        " URL prefixes."
        " Unset: the hosts of the seeds.",
    )
    deny: list[str] = Field(
        [], description="What is never fetched, as in `allow`; it wins over `allow`."
    )
    follow_links: bool = Field(True, description="Whether links of a page are followed.")
    max_depth: int = Field(16, ge=0, description="The most links from a seed to a page.")
    max_pages: int = Field(10_000, ge=1, description="The most pages that are recorded.")
    max_urls: int = Field(
        1_000_000, ge=1, description="The most URLs that are remembered; further ones are ignored."
    )
    max_hosts: int = Field(
        10_000, ge=1, description="The most hosts that are visited; further ones are ignored."
    )
    user_agent: str = Field(
        "pyconnect-web-crawler/0.1",
        description="How the crawler names itself. The part before the slash is what robots.txt"
        " goes by; add a way to reach you: `acme-bot/1.0 (+https://acme.example/bot)`.",
    )
    robots: Literal["obey", "ignore"] = Field(
        "obey", description="Whether robots.txt is obeyed. `ignore` only for sites of your own."
    )
    delay: Seconds = Field(
        1.0, ge=0, le=3600, description="Time between two requests to one host; robots.txt may ask"
        " for more, up to 30 s.",
    )  # fmt: skip
    concurrency: int = Field(
        8, ge=1, le=256, description="How many hosts are fetched from at once, one page each."
    )
    timeout: Seconds = Field(
        60.0, gt=0, le=3600, description="The longest that one request may take, all in all."
    )
    max_body: Size = Field(
        10 << 20,
        ge=1024,
        le=256 << 20,
        description="The most bytes of a body, also unpacked; the rest is cut off.",
    )
    retries: int = Field(
        5, ge=0, le=100, description="How often a page or a host that fails is tried again."
    )
    retry_delay: Seconds = Field(
        60.0, ge=0, le=86400, description="The first wait after a failure; doubles, at most 1 h."
    )
    recrawl: Literal["never"] | Seconds = Field(
        "never",
        description="When a page is fetched again, such as `6h`; `never` ends when all is fetched.",
    )
    allow_private: bool = Field(
        False,
        description="Whether loopback and private addresses and any port may be fetched from: for"
        " crawling your own network.",
    )
    ports: list[int] = Field([80, 443], description="The ports that may be connected to.")

    @field_validator("seeds", "sitemaps")
    @classmethod
    def _urls(cls, value: list[str] | bool) -> list[str] | bool:
        if isinstance(value, bool):
            return value
        return [_url(text) for text in value]

    @field_validator("allow", "deny")
    @classmethod
    def _rules(cls, value: list[str]) -> list[str]:
        for rule in value:
            check_rule(rule)
        return value

    @field_validator("user_agent")
    @classmethod
    def _agent(cls, value: str) -> str:
        if not product_token(value) or not value.isascii() or not value.isprintable():
            raise ValueError("must start with a name of letters, `-` and `_`, all ASCII")
        return value


def _url(text: str) -> str:
    url = canonical(text)
    if url is None:
        raise ValueError(f"{text!r} is no http or https URL without a password")
    return url
