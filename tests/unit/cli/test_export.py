"""`pyconnect export`: every record that was committed at the start, exactly."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import fastavro
import pytest
from click.testing import Result

TOPIC = ["topic", "partition", "offset", "timestamp", "key", "value", "headers"]


def lines(output: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.split("\n")[:-1]]


def test_jsonl_has_the_documented_shape(cli: Callable[..., Result], prices: Any) -> None:
    first, second, third = lines(cli("export", "prices").stdout)
    assert list(first) == TOPIC
    assert first == {
        "topic": "prices",
        "partition": 0,
        "offset": 0,
        "timestamp": "2023-11-14T22:13:20.123Z",
        "key": "005930",
        "value": {"symbol": "005930", "price": "0.00000001", "at": "2026-11-23T06:30:00.120Z"},
        "headers": [["event_id", "e1"], ["bin", {"$bytes": "/w=="}]],
    }
    assert second["value"]["exact"] == "2026-11-23T06:30:00.123456Z"
    assert second["value"]["raw"] == {"$bytes": "/wA="}
    assert third["value"] is None


def test_jsonl_is_the_default(cli: Callable[..., Result], prices: Any) -> None:
    assert cli("export", "prices").stdout == cli("export", "prices", "--format", "jsonl").stdout


def test_every_partition_is_whole_and_in_order(cli: Callable[..., Result], log: Any) -> None:
    for partition in (0, 1, 2):
        rows = [(None, str(n).encode(), 5000 - n, ()) for n in range(1203)]
        log.write("numbers", rows, partition, partitions=3)
    found = lines(cli("export", "numbers").stdout)
    assert [(line["partition"], line["value"]) for line in found] == [
        (partition, n) for partition in (0, 1, 2) for n in range(1203)
    ]


def test_what_is_written_meanwhile_does_not_count(log: Any, prices: Any) -> None:
    from connectors_core.stores.cursor import scan

    reader = prices.open().reader()
    (start, end) = reader.bounds("prices")[0]
    records = scan(reader, "prices", 0, start, end - 1)
    assert [record.offset for record in records] == [0, 1]


def test_nothing_in_a_line_can_command_a_terminal(cli: Callable[..., Result], log: Any) -> None:
    hostile = "\x1b[2J\x9b1m\u202e\u2028\r\n\x7f"
    log.texts("evil", hostile)
    output = cli("export", "evil").stdout
    assert output[:-1].isascii() and output[:-1].isprintable()
    assert lines(output)[0]["value"] == hostile


def test_csv_has_a_column_for_every_field_of_every_version(
    cli: Callable[..., Result], prices: Any
) -> None:
    rows = list(csv.DictReader(StringIO(cli("export", "prices", "--format", "csv").stdout)))
    assert rows[0]["value.symbol"] == "005930"
    assert rows[0]["value.price"] == "0.00000001"
    assert rows[0]["value.at"] == "2026-11-23T06:30:00.120Z"
    assert rows[0]["value.raw"] == ""
    assert rows[0]["timestamp"] == "2023-11-14T22:13:20.123Z"
    assert rows[0]["headers"] == '[["event_id","e1"],["bin",{"$bytes":"/w=="}]]'
    assert rows[1]["value.raw"] == '{"$bytes":"/wA="}'
    assert [row["key"] for row in rows] == ["005930", "KRW-BTC", "005930"]


def test_csv_tells_empty_text_from_null_and_keeps_quotes_and_newlines(
    cli: Callable[..., Result], log: Any
) -> None:
    log.texts("texts", "", 'a"b,c\nd')
    output = cli("export", "texts", "--format", "csv").stdout
    assert ',"",' in output.split("\n")[1]
    assert [row["value"] for row in csv.DictReader(StringIO(output, newline=""))] == [
        "",
        'a"b,c\nd',
    ]


def test_avro_is_one_file_under_the_newest_schema(
    cli: Callable[..., Result], prices: Any, tmp_path: Path
) -> None:
    file = tmp_path / "prices.avro"
    assert cli("export", "prices", "--format", "avro", "-o", str(file)).exit_code == 0
    with file.open("rb") as stream:
        reader = fastavro.reader(stream)
        found = list(reader)
    value_type = next(f for f in reader.writer_schema["fields"] if f["name"] == "value")["type"]
    assert [field["name"] for field in value_type[1]["fields"]][-2:] == ["exact", "raw"]
    assert list(found[0]) == TOPIC
    assert [row["key"] for row in found] == [b"005930", b"KRW-BTC", b"005930"]
    assert str(found[0]["value"]["price"]) == "1E-8"
    assert found[0]["value"]["exact"] is None
    assert found[1]["value"]["exact"].microsecond == 123_456
    assert found[2]["value"] is None
    assert found[0]["headers"][1] == {"name": "bin", "value": b"\xff"}


def test_avro_of_a_topic_without_a_schema_has_the_stored_bytes(
    cli: Callable[..., Result], log: Any
) -> None:
    log.texts("texts", "a")
    output = cli("export", "texts", "--format", "avro").stdout_bytes
    assert [row["value"] for row in fastavro.reader(BytesIO(output))] == [b'"a"']


def test_avro_names_the_record_that_its_schema_cannot_read(
    cli: Callable[..., Result], prices: Any
) -> None:
    prices.write("prices", [(None, b"no frame", 1, ())])
    result = cli("export", "prices", "--format", "avro")
    assert result.exit_code == 1
    assert result.stderr.startswith("prices 0:3 value: was not written with a schema.")


@pytest.mark.parametrize("style", ["jsonl", "csv", "avro"])
def test_an_unknown_topic_is_a_mistake_that_names_the_nearest(
    cli: Callable[..., Result], prices: Any, style: str
) -> None:
    result = cli("export", "price", "--format", style)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "prices" in result.stderr


def test_before_anything_is_written_there_is_a_message(cli: Callable[..., Result]) -> None:
    result = cli("export", "prices")
    assert result.exit_code == 2
    assert "Traceback" not in result.stderr
