from __future__ import annotations

from typing import Any

import pytest
from pydantic import SecretStr, TypeAdapter, ValidationError

from connectors_core.api.config import Bytes, Config, ConnectorOptions, Milliseconds, Name


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (5, 5),
        ("250ms", 250),
        ("30s", 30_000),
        ("1.5s", 1500),
        (" 5 m ", 300_000),
        ("1h", 3_600_000),
        ("7d", 604_800_000),
    ],
)
def test_a_time_is_milliseconds_or_text(text: Any, value: int) -> None:
    assert TypeAdapter(Milliseconds).validate_python(text, strict=True) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [(5, 5), ("5B", 5), ("512KiB", 524_288), ("16MiB", 16 << 20), ("1GiB", 1 << 30)],
)
def test_a_size_is_bytes_or_text(text: Any, value: int) -> None:
    assert TypeAdapter(Bytes).validate_python(text, strict=True) == value


@pytest.mark.parametrize(
    "text", ["5", "s", "-5s", "1 hour", "1e3s", "", "٣s", "9" * 400 + "s", 1.5]
)
def test_what_is_no_time_is_refused(text: Any) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Milliseconds).validate_python(text, strict=True)


@pytest.mark.parametrize("text", ["5", "5MB", "5mib", "-1B", "9" * 400 + "B"])
def test_what_is_no_size_is_refused(text: Any) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Bytes).validate_python(text, strict=True)


@pytest.mark.parametrize(
    "name", ["", "a b", "a/b", "a\n", "a\0b", "é", "a" * 250, "a:b", "\u202ea", "$(x)", "a;b"]
)
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Name).validate_python(name)


def test_names_may_have_249_characters() -> None:
    assert TypeAdapter(Name).validate_python("a" * 245 + "._-9") == "a" * 245 + "._-9"


def test_every_option_is_described_and_has_an_alias_like_its_name() -> None:
    for name, field in ConnectorOptions.model_fields.items():
        assert field.description, name
        if name != "dead_letter_topic":
            assert (field.alias or name).replace(".", "_") == name


def test_unknown_options_and_changes_are_refused() -> None:
    class Own(Config):
        a: int = 1

    with pytest.raises(ValidationError):
        Own(b=2)  # type: ignore[call-arg]
    with pytest.raises(ValidationError):
        Own().a = 2  # type: ignore[misc]


def test_a_value_is_not_shown_by_a_models_own_error() -> None:
    class Own(Config):
        key: SecretStr = SecretStr("")
        a: int = 1

    with pytest.raises(ValidationError) as caught:
        Own(a="canary")
    assert "canary" not in str(caught.value)
