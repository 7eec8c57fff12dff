"""The registry's options in a connector's file: checked before anything runs, secrets unseen."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors_core.api.errors import ConfigError
from connectors_core.app import build_catalogue, load
from connectors_core.avro.registry_options import RegistryOptions
from connectors_core.configs.describe import describe
from connectors_core.configs.model import ConnectorConfig
from connectors_core.configs.providers import Providers

SECRET = "s3cr3t"
URL = "value.converter.schema.registry.url: http://127.0.0.1:8081"


def loaded(folder: Path, *lines: str) -> ConnectorConfig:
    file = folder / "a.yaml"
    file.write_text("\n".join(("connector.class: file-lines", "path: a.txt", *lines)))
    (found,) = load([file], build_catalogue(()), Providers({"TOKEN": SECRET}))
    return found


def test_options_are_read_as_confluents_converters_have_them(tmp_path: Path) -> None:
    found = loaded(
        tmp_path,
        "value.converter: avro",
        "value.converter.schema.registry.url: http://a:8081, https://b",
        "value.converter.bearer.auth.token: ${env:TOKEN}",
        "value.converter.auto.register.schemas: false",
        "value.converter.subject.name.strategy: RecordNameStrategy",
        "value.converter.compatibility: FULL",
        "key.converter: json",
    ).value_converter.config
    assert isinstance(found, RegistryOptions)
    assert found.urls == ["http://a:8081", "https://b"]
    assert (found.auto_register, found.strategy) == (False, "RecordNameStrategy")
    assert found.compatibility == "FULL"
    assert found.token is not None and found.token.get_secret_value() == SECRET
    assert SECRET not in repr(found)


def test_without_options_schemas_are_kept_in_the_log(tmp_path: Path) -> None:
    found = loaded(tmp_path).value_converter.config
    assert isinstance(found, RegistryOptions)
    assert found.url is None


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        (
            ("value.converter.schema.registry.url: 127.0.0.1:8081",),
            "schema.registry.url: must be http:// or https:// and a host",
        ),
        (
            (f"value.converter.schema.registry.url: http://me:{SECRET}@a",),
            "must not hold a password. Give it as basic.auth.user.info",
        ),
        ((URL, f"value.converter.basic.auth.user.info: {SECRET}"), "must be user:password"),
        (
            (
                URL,
                f"value.converter.basic.auth.user.info: a:{SECRET}",
                f"value.converter.bearer.auth.token: {SECRET}",
            ),
            "give basic.auth.user.info or bearer.auth.token, not both",
        ),
        ((URL, "value.converter.ssl.key.location: k"), "needs ssl.certificate.location"),
        (("value.converter.compatibility: FULL",), "schema.registry.url is not given"),
        ((URL, "value.converter.subject.name.strategy: Topic"), '"TopicNameStrategy"'),
        ((URL, "value.converter.schema.registry.ulr: x"), "Did you mean"),
    ],
)
def test_a_mistake_is_told_with_its_place_and_no_secret(
    tmp_path: Path, lines: tuple[str, ...], problem: str
) -> None:
    with pytest.raises(ConfigError) as refused:
        loaded(tmp_path, *lines)
    assert problem in str(refused.value)
    assert "a.yaml:" in str(refused.value)
    assert SECRET not in str(refused.value)


def test_every_option_is_described_and_secrets_are_secrets() -> None:
    found = {each.name: each for each in describe(RegistryOptions)}
    assert len(found) == len(RegistryOptions.model_fields)
    assert all(each.description for each in found.values())
    assert [name for name, each in found.items() if each.secret] == [
        "basic.auth.user.info",
        "bearer.auth.token",
    ]
