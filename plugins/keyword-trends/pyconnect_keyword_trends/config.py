"""TrendsConfig: the options of keyword-trends."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, field_validator, model_validator

from connectors_core import Config
from pyconnect_keyword_trends.match import fold

_SPAN = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)\s*")
_UNITS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_HOMES = {
    "jetstream": "wss://jetstream2.us-east.bsky.network",
    "google-rss": "https://trends.google.com",
}
MIN_POLL_MS = 60_000
DAY_MS = 86_400_000


def _milliseconds(value: Any) -> Any:
    if isinstance(value, str) and (found := _SPAN.fullmatch(value)):
        return round(float(found[1]) * _UNITS[found[2]])
    return value


Milliseconds = Annotated[int, BeforeValidator(_milliseconds)]
"""A whole number of ms, or text such as `250ms`, `30s`, `5m`, `1h`."""


class TrendsConfig(Config):
    """What to watch, and how it is counted. Spans are ms, or text such as `60s`."""

    provider: Literal["jetstream", "google-rss"] = Field(
        description="`jetstream`: count keywords in Bluesky posts; `google-rss`: trending searches."
    )
    keywords: tuple[str, ...] = Field(
        default=(), description="What to count (jetstream).", max_length=10_000
    )
    base_url: str | None = Field(
        default=None, description="Another server that speaks the provider's protocol."
    )
    match: Literal["word", "substring"] = Field(
        default="word",
        description="`word`: Latin letters and digits end at a word's end, Korean, Chinese and"
        " Japanese match inside words; `substring`: everything matches inside words.",
    )
    window: Milliseconds = Field(
        default=60_000, description="Length of a window: ms, or `60s`.", ge=1000, le=DAY_MS
    )
    max_out_of_order: Milliseconds = Field(
        default=5000,
        description="How far behind the newest event an event may come and still count.",
        ge=0,
        le=600_000,
    )
    idle_close: Milliseconds = Field(
        default=30_000,
        description="Silence on an open connection after which windows close by the clock.",
        ge=100,
        le=3_600_000,
    )
    samples: int = Field(default=3, description="Example posts kept per window.", ge=0, le=3)
    authors_max: int = Field(
        default=10_000, description="Distinct authors counted exactly per window.", ge=1, le=100_000
    )
    timeout: Milliseconds = Field(
        default=10_000,
        description="How long the server may take to open a connection or to go on with an answer.",
        ge=100,
        le=300_000,
    )
    geo: tuple[str, ...] = Field(
        default=("KR",), description="Countries or regions (google-rss): `KR`, `US-NY`."
    )
    poll_interval: Milliseconds = Field(
        default=600_000,
        description="Time between two polls of one geo (google-rss); at least 60s.",
        ge=100,
        le=DAY_MS,
    )

    @field_validator("keywords")
    @classmethod
    def _distinct(cls, keywords: tuple[str, ...]) -> tuple[str, ...]:
        seen: dict[str, str] = {}
        for keyword in keywords:
            norm = fold(keyword)
            if not 1 <= len(norm) <= 100:
                raise ValueError(f"{keyword[:40]!r} must have 1 to 100 characters besides spaces")
            if norm in seen:
                raise ValueError(
                    f"{keyword!r} is the same as {seen[norm]!r} once case is folded. Remove one."
                )
            seen[norm] = keyword
        return keywords

    @field_validator("geo")
    @classmethod
    def _regions(cls, geo: tuple[str, ...]) -> tuple[str, ...]:
        for region in geo:
            if not re.fullmatch(r"[A-Z]{2}(-[A-Z0-9]{1,3})?", region):
                raise ValueError(f"{region!r} must be like KR or US-NY")
        if not geo or len(set(geo)) < len(geo):
            raise ValueError("must name one region or more, each once")
        return geo

    @field_validator("base_url")
    @classmethod
    def _url(cls, url: str | None) -> str | None:
        parts = urlsplit(url or "https://unset")
        if parts.scheme not in ("ws", "wss", "http", "https") or not parts.hostname:
            raise ValueError(f"{url!r} must be like wss://host or https://host")
        return url

    @model_validator(mode="after")
    def _complete(self) -> TrendsConfig:
        if self.provider == "jetstream" and not self.keywords:
            raise ValueError("keywords: jetstream needs at least one keyword")
        if self.base_url is None and self.poll_interval < MIN_POLL_MS:
            raise ValueError("poll_interval: must be at least 60s for the public end point")
        return self

    @property
    def rewind_us(self) -> int:
        """How far before its cursor a connection asks to be replayed, in us."""
        # 5 s: servers were seen to drop and reorder at the seam from replay to live.
        return max(5_000, self.max_out_of_order) * 1000

    def url(self, scheme: str) -> str:
        """Return the base URL as `ws` or `http`, TLS kept, without a slash at the end."""
        base = urlsplit(self.base_url or _HOMES[self.provider])
        secure = "s" if base.scheme in ("wss", "https") else ""
        return f"{scheme}{secure}://{base.netloc}{base.path}".rstrip("/")
