"""The options of the source."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
    field_validator,
    model_validator,
)

from connectors_core import Config

Symbol = Annotated[
    str, StringConstraints(strict=True, min_length=1, max_length=64, pattern=r"^[^\s|^:]+$")
]
LIMITS = {"upbit": 1024, "binance": 1024, "kis": 41, "generic": 1024}
"""Symbols on one connection. Binance: 1,024 streams; KIS: 41 registrations over all TRs."""


class GenericFeed(BaseModel):
    """A JSON WebSocket feed, described instead of programmed.

    Paths are names and indexes with dots (`data.0.p`); an empty path is the whole.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    label: str = Field("generic", description="The provider's name in the records.", min_length=1)
    venue: str = Field("GENERIC", description="The venue's name in the records.", min_length=1)
    url: SecretStr | None = Field(
        None, description="ws:// or wss:// address; secret, since some feeds carry a key in it."
    )
    subscribe: list[Any] = Field(
        [],
        description="JSON messages to send; one with `{symbol}` is sent for each symbol, and the"
        " text `{symbols}` becomes the list of all.",
    )
    where: dict[str, str] = Field(
        {}, description="Path to text: which messages carry trades; the others are passed over."
    )
    items: str = Field("", description="Path to the trade or the list of trades in a message.")
    symbol: str = Field("symbol", description="Path to the symbol in a trade.")
    id: str | None = Field(None, description="Path to the trade's id; unset: the feed has none.")
    price: str = Field("price", description="Path to the price.")
    size: str = Field("size", description="Path to the size.")
    time: str = Field("time", description="Path to the event time.")
    time_unit: Literal["s", "ms", "us", "ns", "iso"] = Field(
        "ms", description="Unit of the event time since the epoch, or iso for RFC 3339 text."
    )
    side: str | None = Field(None, description="Path to the aggressor's side.")
    buy: list[str] = Field(["buy", "BUY", "B"], description="What the side is for a buy.")
    sell: list[str] = Field(["sell", "SELL", "S"], description="What the side is for a sell.")
    ping: str | None = Field(None, description="Text to send every `ping_seconds`.")
    ping_seconds: float = Field(20.0, description="Seconds between two pings.", gt=0)


class StockConfig(Config):
    """Which feed to read, and which symbols."""

    provider: Literal["upbit", "binance", "kis", "generic"] = Field(
        description="Whose feed: upbit, binance, kis (한국투자증권), or generic (see `generic`)."
    )
    symbols: list[Symbol] = Field(
        description="Symbols as the provider writes them, quoted: KRW-BTC, BTCUSDT, 005930.",
        min_length=1,
    )
    base_url: str | None = Field(
        None,
        description="WebSocket address instead of the provider's public one.",
        pattern=r"^wss?://",
    )
    rest_url: str | None = Field(
        None,
        description="REST address instead of the provider's public one.",
        pattern=r"^https?://",
    )
    app_key: SecretStr | None = Field(
        None, description="KIS app key, as ${env:KIS_APP_KEY:-}; never written into the file."
    )
    app_secret: SecretStr | None = Field(
        None, description="KIS app secret, as ${env:KIS_APP_SECRET:-}."
    )
    generic: GenericFeed | None = Field(None, description="The feed of provider `generic`.")
    backfill: bool = Field(
        True, description="Fetch by REST what was missed; false: declare it as a gap."
    )
    backfill_max: int = Field(
        20_000, description="The most trades to fetch per symbol and start.", ge=0, le=1_000_000
    )
    overlap_seconds: float = Field(
        10.0,
        description="How late a trade with a lower id may come (Upbit, generic).",
        ge=0,
        le=600,
    )
    answer_seconds: float = Field(
        10.0,
        description="How long the provider may take to open a connection, or to go on with an"
        " answer of its REST service.",
        gt=0,
    )
    message_seconds: float | None = Field(
        None,
        description="Reconnect when nothing came for so long; unset: as fits the provider.",
        gt=0,
    )
    confirm_seconds: float = Field(
        10.0, description="How long the provider may take to confirm a subscription.", gt=0
    )

    @field_validator("symbols")
    @classmethod
    def _once(cls, symbols: list[str]) -> list[str]:
        seen: set[str] = set()
        for symbol in symbols:
            if symbol.upper() in seen:
                raise ValueError(f"{symbol} is listed twice; write it once")
            seen.add(symbol.upper())
        return symbols

    @model_validator(mode="after")
    def _fits(self) -> Self:
        limit = LIMITS[self.provider]
        if len(self.symbols) > limit:
            raise ValueError(
                f"symbols: {self.provider} takes at most {limit} on one connection,"
                f" got {len(self.symbols)}; split them over connectors"
            )
        if self.provider == "generic" and self.generic is None:
            raise ValueError("generic: provider generic needs the feed described under `generic`")
        if self.provider != "generic" and self.generic is not None:
            raise ValueError(f"generic: only provider generic reads it, not {self.provider}")
        return self

    def listed(self) -> list[str]:
        """Return the symbols as the provider writes them: upper case, but for generic feeds."""
        if self.provider == "generic":
            return list(self.symbols)
        return [symbol.upper() for symbol in self.symbols]
