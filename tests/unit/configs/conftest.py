"""Plugins of every kind, and a way to load files that name them."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from connectors_core import Config, Converter, Predicate, Source, Transform, hookimpl
from connectors_core.api.config import Bytes, Milliseconds
from connectors_core.api.errors import ConfigError
from connectors_core.configs.load import load
from connectors_core.configs.model import ConnectorConfig
from connectors_core.configs.providers import Providers
from connectors_core.discovery import Catalogue

Load = Callable[..., ConnectorConfig]
Refuse = Callable[..., list[str]]


class Client(BaseModel):
    """A model within a model."""

    model_config = ConfigDict(extra="forbid")
    retry_max: int = Field(3, description="Tries.")
    timeout: Milliseconds = Field(1000, description="How long to wait.")


class QuotesConfig(Config):
    """Options of every type that a file can write."""

    symbols: list[str] = Field(["KRW-BTC"], description="The symbols to follow.")
    market: Literal["spot", "futures"] = Field("spot", description="The market.")
    partitions: int = Field(1, ge=1, le=100, description="How many; a name below a group's.")
    rate: float = Field(1.0, description="Requests a second.")
    tick: Decimal = Field(Decimal("0.01"), description="The smallest step.")
    live: bool = Field(True, description="Whether to follow.")
    token: SecretStr | None = Field(None, description="The key.")
    code: str = Field("x", min_length=1, pattern="^[a-z]*$", description="Lower case.")
    client: Client = Field(Client(), description="The HTTP client.")
    headers: dict[str, str] = Field({}, description="Headers.")
    hosts: dict[str, Client] = Field({}, description="A client for each host.")
    size: Bytes = Field(1024, description="A size.")
    either: int | str = Field(0, description="A number or text.")
    url: str = Field("http://a", description="An address.")

    @field_validator("url")
    @classmethod
    def _http(cls, url: str) -> str:
        if not url.startswith("http"):
            raise ValueError(f"{url} is no address of the web")
        return url


class Quotes(Source[QuotesConfig]):
    """Live trades of one exchange.

    More words that are not for a file.
    """

    name = "quotes"
    topics = ("gaps",)


class NeedsConfig(Config):
    """A model with a required option."""

    path: str = Field(description="The file to read.")


class Needs(Source[NeedsConfig]):
    """Reads one file."""

    name = "needs"


class TakenConfig(Config):
    """A model that takes the framework's names."""

    topic: str = Field("t", description="Taken.")
    errors: dict[str, str] = Field({}, description="Taken as a map.")


class Taken(Source[TakenConfig]):
    """Breaks the rule of names."""

    name = "taken"


class MaskConfig(Config):
    """Options of a transform."""

    fields: list[str] = Field([], description="Fields.")
    renames: dict[str, str] = Field({}, description="Old to new.")
    topic_format: str = Field("${topic}", description="Text with a template of its own.")


class Mask(Transform[MaskConfig]):
    """Hides fields."""

    name = "mask"


class Flatten(Transform[Config]):
    """Has no options."""

    name = "flatten"


class MatchConfig(Config):
    """Options of a predicate."""

    pattern: str = Field(".*", description="Full match.")


class Match(Predicate[MatchConfig]):
    """Matches."""

    name = "topic-name-matches"


class Avro(Converter):
    """Takes no options."""

    name = "avro"


class NumbersConfig(Config):
    """Options of a converter."""

    numbers: Literal["double", "decimal"] = Field("double", description="How to read numbers.")


class Json(Converter):
    """Takes options."""

    name: ClassVar[str] = "json"

    @classmethod
    def config_class(cls) -> type[Config]:
        """Return the model of the options."""
        return NumbersConfig


def _module() -> ModuleType:
    module: Any = ModuleType("quotes_plugins")

    @hookimpl
    def pyconnect_sources() -> Sequence[Any]:
        return [Quotes, Needs, Taken]

    @hookimpl
    def pyconnect_transforms() -> Sequence[Any]:
        return [Mask, Flatten, Match]

    @hookimpl
    def pyconnect_converters() -> Sequence[Any]:
        return [Avro, Json]

    module.pyconnect_sources = pyconnect_sources
    module.pyconnect_transforms = pyconnect_transforms
    module.pyconnect_converters = pyconnect_converters
    found: ModuleType = module
    return found


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    """The plugins above."""
    return Catalogue(builtins=[_module()], distributions=[])


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write a file and return its path."""

    def _write(text: str, name: str = "quotes.yaml") -> Path:
        path = tmp_path / name
        path.write_text(textwrap.dedent(text))
        return path

    return _write


@pytest.fixture
def good(write: Callable[..., Path], catalogue: Catalogue) -> Load:
    """Load one file that is right."""

    def _good(text: str, **environ: str) -> ConnectorConfig:
        (made,) = load([write(text)], catalogue, Providers(environ=environ))
        return made

    return _good


@pytest.fixture
def bad(write: Callable[..., Path], catalogue: Catalogue, tmp_path: Path) -> Refuse:
    """Load one file that is wrong and return its problems, without the folder."""

    def _bad(text: str, **environ: str) -> list[str]:
        with pytest.raises(ConfigError) as caught:
            load([write(text)], catalogue, Providers(environ=environ))
        return [str(each).replace(f"{tmp_path}/", "") for each in caught.value.problems]

    return _bad
