"""What a law says of a source that is right, and of one that is almost right."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, Field, SecretStr

from connectors_core.api.config import Config
from connectors_core.api.errors import ConfigError
from connectors_core.api.record import Record
from connectors_core.api.source import Source
from connectors_core.testing.contract import SourceContract
from connectors_core.testing.judge import Court, Verdict
from connectors_core.testing.laws import BY_NAME, reads

SEOUL = timezone(timedelta(hours=9))
MOMENT = datetime(2026, 5, 1, 18, 30, tzinfo=SEOUL)


class Upstream:
    async def __aenter__(self) -> Upstream:
        return self

    async def __aexit__(self, *_: object) -> None:
        return None

    def config(self) -> dict[str, Any]:
        return {}


class Listed(Source[Config]):
    """Gives what it lists."""

    name = "listed"
    values: Sequence[Any] = ({"n": 1},)

    async def read(self, partition: Any, offset: Any) -> Any:
        for n, value in enumerate(self.values):
            yield Record(value, key=str(n), offset={"n": n})


def verdict(law: str, source: type[Source[Any]], upstream: Any = Upstream, **more: Any) -> Verdict:
    names = {
        "source": source,
        "upstream": upstream,
        "capabilities": {"bounded", "replayable"},
        **more,
    }
    contract = type("Contract", (SourceContract,), names)
    return Court(contract.declaration(), "full").one(BY_NAME[law])


def listing(*values: Any) -> type[Source[Any]]:
    return type("Listing", (Listed,), {"values": values})


@dataclass
class Priced:
    price: Decimal
    at: datetime


class PricedModel(BaseModel):
    price: Decimal
    at: datetime


@pytest.mark.parametrize(
    "value",
    [
        {"at": MOMENT},
        {"list": [{"at": MOMENT}]},
        Priced(Decimal("1.5"), MOMENT),
        PricedModel(price=Decimal("1.5"), at=MOMENT),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_moment_in_any_zone_and_a_decimal_survive_avro(value: Any) -> None:
    found = verdict("records_survive_avro", listing(value))
    assert found.outcome == "passed", found.reason


@pytest.mark.parametrize(
    "back",
    [
        {"price": Decimal("1.5"), "at": datetime(2026, 5, 1, 9, 31, tzinfo=UTC)},
        {"price": Decimal("1.6"), "at": MOMENT},
        {"price": Decimal("1.5"), "at": None},
    ],
)
def test_another_moment_and_another_decimal_do_not(back: Any) -> None:
    good = {"price": Decimal("1.50"), "at": MOMENT.astimezone(UTC)}
    assert reads._near(good, Priced(Decimal("1.5"), MOMENT))
    assert not reads._near(back, Priced(Decimal("1.5"), MOMENT))


class WithTombstone(Upstream):
    def expected(self) -> list[Any]:
        return [{"n": 1}, None]


def test_comparable_is_not_asked_about_a_tombstone() -> None:
    found = verdict(
        "reads_everything",
        listing({"n": 1, "at": 5}, None),
        WithTombstone,
        comparable=staticmethod(lambda value: value["n"]),
    )
    assert found.outcome == "passed", found.reason


class Secretive(Config):
    token: SecretStr = Field(SecretStr(""), description="What opens the door.")


@pytest.mark.parametrize(
    ("token", "outcome", "said"),
    [
        ("a1b2c", "failed", "Give the fake a secret of at least 6 characters."),
        ("", "skipped", "no option of the upstream's config() is a secret"),
        ("a1b2c3", "passed", ""),
    ],
)
def test_a_secret_that_is_too_short_to_be_found_is_told(
    token: str, outcome: str, said: str
) -> None:
    class Keeping(Source[Secretive]):
        name = "keeping"
        read = Listed.read
        values = ({"n": 1},)

    class Fake(Upstream):
        def config(self) -> dict[str, Any]:
            return {"token": token}

    found = verdict("secrets_are_kept", Keeping, Fake)
    assert found.outcome == outcome, found.reason
    assert said in found.reason


class Filing(Upstream):
    """Writes its files on another thread."""

    async def __aenter__(self) -> Filing:
        self.folder = tempfile.TemporaryDirectory()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.folder.cleanup()

    def config(self) -> dict[str, Any]:
        self.task = asyncio.get_running_loop().create_task(self.write())
        return {}

    async def write(self) -> None:
        while True:
            await asyncio.to_thread(Path(self.folder.name, "log").write_text, "line")
            await asyncio.sleep(0.01)


class Slow(Listed):
    async def read(self, partition: Any, offset: Any) -> Any:
        await asyncio.sleep(0.2)
        async for item in super().read(partition, offset):
            yield item


def test_a_fake_may_write_its_files_on_other_threads() -> None:
    found = verdict("writes_nothing_of_its_own", Slow, Filing)
    assert found.outcome == "passed", found.reason


def test_a_module_that_is_imported_late_may_be_compiled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "imported_late.py").write_text("LATE = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", False)

    class Importing(Listed):
        async def open(self) -> None:
            import imported_late  # noqa: F401

    found = verdict("writes_nothing_of_its_own", Importing)
    sys.modules.pop("imported_late", None)
    assert (tmp_path / "__pycache__").is_dir()
    assert found.outcome == "passed", found.reason


def test_a_source_without_a_name_is_told_in_the_declaration() -> None:
    class Nameless(Source[Config]):
        pass

    with pytest.raises(ConfigError) as caught:
        verdict("reads_everything", Nameless)
    assert 'Nameless: has no name. Add name = "my-source" to the class.' in str(caught.value)
