from __future__ import annotations

from pathlib import Path

import pytest

from connectors_core.api.errors import ConfigError
from connectors_core.api.record import Partition
from connectors_core.testing.golden import Golden, Position, goldens, written


def test_golden_offsets_come_back_as_they_were_written(tmp_path: Path) -> None:
    golden = Golden("1.0.0", [Position({"n": 4}, {"a": "1"}), Position(None)], ['"x"'])
    (tmp_path / "1.0.0.json").write_text(written(golden))
    [found] = goldens(tmp_path)
    assert found == golden
    one, two = Partition({"p": 1}), Partition({"p": 2})
    ledger = found.ledger([one, two])
    assert (ledger.offset(one), ledger.offset(two)) == ({"n": 4}, None)
    assert ledger.rows(one) == {"a": "1"}
    assert ledger.count == 0


def test_other_partitions_than_then_are_told(tmp_path: Path) -> None:
    golden = Golden("1.0.0", [Position({"n": 4})], [])
    with pytest.raises(ConfigError, match=r"of 1 partitions, and there are 2\."):
        golden.ledger([Partition({"p": 1}), Partition({"p": 2})])


@pytest.mark.parametrize("text", ["{", "[]", '{"release": "1"}', '{"positions": [{"x": 1}]}'])
def test_what_is_no_golden_file_is_told_with_its_place(tmp_path: Path, text: str) -> None:
    file = tmp_path / "1.json"
    file.write_text(text)
    with pytest.raises(ConfigError, match="--write-offsets FILE") as caught:
        list(goldens(tmp_path))
    assert caught.value.place == str(file)
