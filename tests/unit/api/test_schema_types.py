"""Schemas of models, dataclasses and plain types; models as the plain dicts that are written."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum, IntEnum
from typing import Annotated, Any, Literal, NewType, Optional
from uuid import UUID

import pytest
from pydantic import BaseModel, ConfigDict, Field

from connectors_core.api.errors import ConfigError
from connectors_core.api.schema import Schema, plain

DECIMAL = {"type": "bytes", "logicalType": "decimal", "precision": 38, "scale": 18}


class Side(Enum):
    BUY = "buy"
    SELL = "sell"


class Market(Enum):
    KRW = "KRW-BTC"


class Level(IntEnum):
    LOW = 1


class Venue(BaseModel):
    """Where it was traded."""

    name: str


class Trade(BaseModel):
    """One trade."""

    symbol: str = Field(description="What was traded.")
    price: Annotated[Decimal, Field(max_digits=20, decimal_places=8)]
    at: datetime.datetime = Field(alias="@timestamp")
    side: Side | None = None
    venue: Venue | None = None
    tags: list[str] = Field(default_factory=list)
    size: int = 1
    secret: str = Field(default="", exclude=True)


@dataclass
class Node:
    name: str
    children: list[Node] = field(default_factory=list)
    fee: Decimal = Decimal("-0.5")
    seen: datetime.date = datetime.date(1970, 1, 3)
    limit: int | None = 5


@dataclass
class Clash:
    """Another one."""

    a: Venue
    b: Any


Price = NewType("Price", Decimal)


@pytest.mark.parametrize(
    ("kind", "definition"),
    [
        (str, "string"),
        (bytes, "bytes"),
        (bool, "boolean"),
        (int, "long"),
        (float, "double"),
        (Decimal, DECIMAL),
        (Price, DECIMAL),
        (Annotated[Decimal, Field(decimal_places=2)], DECIMAL | {"scale": 2}),
        (datetime.date, {"type": "int", "logicalType": "date"}),
        (datetime.datetime, {"type": "long", "logicalType": "timestamp-micros"}),
        (
            Annotated[datetime.datetime, "timestamp-millis"],
            {"type": "long", "logicalType": "timestamp-millis"},
        ),
        (UUID, {"type": "string", "logicalType": "uuid"}),
        (Side, {"type": "enum", "name": "Side", "symbols": ["buy", "sell"]}),
        (Market, "string"),
        (Level, "long"),
        (Literal["KRW-BTC", None], ["null", "string"]),  # noqa: PYI061
        (Literal[1, 2], "long"),
        (Optional[int], ["long", "null"]),  # noqa: UP045 -- the old spelling is in use
        (int | str, ["long", "string"]),
        (list[int], {"type": "array", "items": "long"}),
        (tuple[int, ...], {"type": "array", "items": "long"}),
        (Sequence[int], {"type": "array", "items": "long"}),
        (dict[str, list[float]], {"type": "map", "values": {"type": "array", "items": "double"}}),
        (Mapping[str, int], {"type": "map", "values": "long"}),
    ],
)
def test_plain_types_have_one_avro_type_each(kind: Any, definition: Any) -> None:
    assert Schema.of(kind).definition == definition


def test_a_model_becomes_a_record_with_docs_defaults_and_aliases() -> None:
    assert Schema.of(Trade).definition == {
        "type": "record",
        "name": "Trade",
        "doc": "One trade.",
        "fields": [
            {"name": "symbol", "type": "string", "doc": "What was traded."},
            {"name": "price", "type": DECIMAL | {"precision": 20, "scale": 8}},
            {
                "name": "_x40_timestamp",
                "type": {"type": "long", "logicalType": "timestamp-micros"},
                "pyconnect.name": "@timestamp",
            },
            {
                "name": "side",
                "type": ["null", {"type": "enum", "name": "Side", "symbols": ["buy", "sell"]}],
                "default": None,
            },
            {
                "name": "venue",
                "type": [
                    "null",
                    {
                        "type": "record",
                        "name": "Venue",
                        "doc": "Where it was traded.",
                        "fields": [{"name": "name", "type": "string"}],
                    },
                ],
                "default": None,
            },
            {"name": "tags", "type": {"type": "array", "items": "string"}, "default": []},
            {"name": "size", "type": "long", "default": 1},
        ],
    }


def test_a_dataclass_may_hold_itself_and_has_defaults() -> None:
    definition = Schema.of(Node).definition
    assert "doc" not in definition
    kinds = {one["name"]: (one["type"], one.get("default")) for one in definition["fields"]}
    assert kinds == {
        "name": ("string", None),
        "children": ({"type": "array", "items": "Node"}, []),
        "fee": (DECIMAL, (-5 * 10**17).to_bytes(8, "big", signed=True).decode("latin-1")),
        "seen": ({"type": "int", "logicalType": "date"}, 2),
        "limit": (["long", "null"], 5),
    }


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (Any, "Any has no Avro form"),
        (Clash, "Clash.b"),
        (object, "object"),
        (dict[int, str], "dict"),
        (set[str], "set"),
        (tuple[int, str], "tuple"),
        (list, "list"),
        (Annotated[Decimal, Field(max_digits=5)], "decimal_places"),
        (Literal["a", 1], "not all text"),
    ],
)
def test_a_type_without_avro_form_is_named(kind: Any, said: str) -> None:
    with pytest.raises(ConfigError, match=r"has no Avro form") as caught:
        Schema.of(kind)
    assert said in str(caught.value)


def test_two_classes_of_one_name_are_refused() -> None:
    other = type("Venue", (BaseModel,), {"__annotations__": {"id": int}, "__module__": __name__})
    with pytest.raises(ConfigError, match="rename one"):
        Schema.of(Venue | other)


def test_plain_turns_models_and_what_they_hold_into_dicts() -> None:
    at = datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC)
    trade = Trade.model_validate(
        {"symbol": "a", "price": "1.5", "@timestamp": at, "side": "buy", "venue": {"name": "x"}}
    )
    assert plain(trade) == {
        "symbol": "a",
        "price": Decimal("1.5"),
        "@timestamp": at,
        "side": "buy",
        "venue": {"name": "x"},
        "tags": [],
        "size": 1,
    }
    node = plain(Node("a", [Node("b")]))
    assert node["children"][0]["name"] == "b"
    assert type(node["children"][0]) is dict


def test_plain_returns_dicts_and_scalars_as_they_are() -> None:
    value = {"a": 1}
    assert plain(value) is value
    assert plain(1) == 1
    assert plain([Venue(name="x")]) == [{"name": "x"}]


class Open(BaseModel):
    model_config = ConfigDict(extra="allow")
    a: int


def test_what_a_model_keeps_beside_its_fields_is_not_dropped() -> None:
    assert plain(Open(a=1, b=2)) == {"a": 1, "b": 2}
