"""Options: their types are those of the fields."""

from __future__ import annotations

from typing import Literal, assert_type

from pydantic import BaseModel, Field, SecretStr

from connectors_core import Config


class Client(BaseModel):
    timeout: float = Field(10.0, description="Seconds.")


class QuotesConfig(Config):
    symbols: list[str] = Field(description="The symbols to follow.")
    market: Literal["spot", "futures"] = Field("spot", description="Which market.")
    token: SecretStr | None = Field(None, description="The API token.")
    client: Client = Field(Client(), description="How to connect.")


def read_options(config: QuotesConfig) -> None:
    assert_type(config.symbols, list[str])
    assert_type(config.market, Literal["spot", "futures"])
    assert_type(config.token, SecretStr | None)
    assert_type(config.client.timeout, float)
