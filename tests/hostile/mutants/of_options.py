"""Mutants that break a law of options."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field, field_validator, model_validator

from tests.hostile.lawful import Options
from tests.hostile.mutants.breaking import (
    breaks,
    with_options,
)


class Undescribed(Options):
    colour: str = Field("red")


class Filling(Options):
    @model_validator(mode="before")
    @classmethod
    def fill(cls, given: Any) -> Any:
        return {"url": "http://127.0.0.1:1", **given}


class TakingAll(Options):
    url: Annotated[str, BeforeValidator(str)] = Field(description="Where the items are.")


def first_of(given: Any) -> Any:
    return given if given in ("list", "map") else "list"


class Coercing(Options):
    shape: Annotated[Literal["list", "map"], BeforeValidator(first_of)] = Field(
        "list", description="What an answer looks like."
    )


class Vague(Options):
    id: str | None = Field(None, description="Whose items.")

    @model_validator(mode="wrap")
    @classmethod
    def say_little(cls, given: Any, handler: Any) -> Any:
        if isinstance(given, dict) and not isinstance(given.get("id", ""), str):
            raise ValueError("these settings are invalid")  # noqa: TRY004 - as pydantic wants it
        return handler(given)


class Ignoring(Options):
    model_config = ConfigDict(extra="ignore")


class Clamping(Options):
    @field_validator("page", mode="wrap")
    @classmethod
    def clamp(cls, value: Any, handler: Any) -> Any:
        return handler(value) if not isinstance(value, int) else handler(min(max(value, 1), 50))


class Open(Options):
    password: str = Field("", description="What opens the other door.")


@breaks("options_are_described")
class DescribesNothing(with_options(Undescribed)):
    name = "mutant"


@breaks("required_options_are_named")
class FillsInTheUrl(with_options(Filling)):
    name = "mutant"


@breaks("wrong_types_are_refused")
class TakesAnyUrl(with_options(TakingAll)):
    name = "mutant"


@breaks("wrong_types_are_refused")
class TakesAnyShape(with_options(Coercing)):
    name = "mutant"


@breaks("wrong_types_are_refused")
class SaysNotWhichIsWrong(with_options(Vague)):
    """Its error has the letters of the option's name, and not its name."""

    name = "mutant"


@breaks("unknown_options_are_refused")
class IgnoresUnknown(with_options(Ignoring)):
    name = "mutant"


@breaks("bounds_are_kept")
class ClampsThePage(with_options(Clamping)):
    name = "mutant"


@breaks("secrets_are_marked")
class PlainPassword(with_options(Open)):
    name = "mutant"
