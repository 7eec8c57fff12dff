from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from connectors_core import Config, Source
from connectors_core.api.config import ConnectorOptions
from connectors_core.api.errors import ConfigError
from connectors_core.configs.describe import OptionInfo, describe, framework_options, skeleton
from connectors_core.configs.load import load
from connectors_core.configs.yaml import parse
from connectors_core.discovery import Catalogue


def test_options_are_told_with_type_default_and_description(catalogue: Catalogue) -> None:
    found = {each.name: each for each in describe(catalogue.source("quotes").config_class())}
    assert found["symbols"] == OptionInfo(
        "symbols", "a list of text", '["KRW-BTC"]', False, "The symbols to follow.", False
    )
    assert found["market"].type == '"spot" or "futures"'
    assert found["client.timeout"].default == "1000"
    assert found["tick"].default == '"0.01"'
    assert found["hosts"].type == "a map of maps of options"


def test_a_required_option_has_no_default(catalogue: Catalogue) -> None:
    (path,) = describe(catalogue.source("needs").config_class())
    assert path == OptionInfo("path", "text", "", True, "The file to read.", False)


def test_a_secrets_default_is_not_told() -> None:
    from pydantic import Field, SecretStr

    class Keys(Config):
        key: SecretStr = Field(SecretStr("canary"), description="The key.")
        keys: list[SecretStr] = Field([SecretStr("canary")], description="More.")

    assert [(each.secret, each.default) for each in describe(Keys)] == [(True, ""), (True, "")]


def test_every_framework_option_is_listed_by_its_name_in_a_file() -> None:
    found = framework_options()
    assert len(found) == len(ConnectorOptions.model_fields)
    assert {"tasks.max", "topic.creation", "commit.linger.ms"} < {each.name for each in found}
    assert all(each.description and each.type for each in found)


@pytest.mark.parametrize("name", ["quotes", "needs"])
def test_a_skeleton_has_every_option_and_those_with_defaults_load(
    catalogue: Catalogue, write: Callable[..., Path], name: str
) -> None:
    source: Any = catalogue.source(name)
    text = skeleton(source)
    for option in (*describe(source.config_class()), *framework_options()):
        assert f"{option.name}:" in text
    lines = [
        line[2:] if line.startswith("# ") and ": " in line and " Takes " not in line else line
        for line in text.replace("path:\n", "path: a\n").splitlines()
    ]
    given = parse("\n".join(lines), "f")
    assert set(given) >= {each.name for each in framework_options()}
    environ = "\n".join(line for line in lines if "${env:" not in line)
    (made,) = load([write(environ)], catalogue)
    assert made.source is source


def test_a_skeleton_says_what_is_required(catalogue: Catalogue, write: Callable[..., Path]) -> None:
    text = skeleton(catalogue.source("needs"))
    assert "# The file to read. Takes text. REQUIRED.\npath:\n" in text
    with pytest.raises(ConfigError, match=r"path: has no value\. It takes text"):
        load([write(text)], catalogue)


def test_a_model_that_holds_itself_is_told_once() -> None:
    from pydantic import BaseModel

    class Node(BaseModel):
        left: Node | None = None

    class Tree(Config):
        root: Node = Node()

    class Trees(Source[Tree]):
        name = "trees"

    assert [each.name for each in describe(Tree)] == ["root.left"]
    assert "root.left" in skeleton(Trees)
