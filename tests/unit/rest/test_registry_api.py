"""The read side of the registry's HTTP API, end point by end point, in Confluent's shapes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from connectors_core.api.errors import StoreError
from connectors_core.api.store import SchemaRow
from connectors_core.rest.host_guard import HostGuard
from connectors_core.rest.registry_api import registry_app
from connectors_core.rest.schema_table import FRESH_SECONDS, SchemaTable

LONG, TEXT, RECORD = (
    '"long"',
    '"string"',
    '{"fields":[{"doc":"it","name":"a","type":"long"}],"name":"R","type":"record"}',
)
ROWS = [
    SchemaRow("b-value", 1, 70, TEXT),
    SchemaRow("a-value", 1, 70, TEXT),
    SchemaRow("a-value", 2, 9, RECORD),
    SchemaRow("a-key", 1, 5, LONG),
]


@dataclass
class Log:
    """What `LogReader.schemas` gives, and how often it was asked."""

    rows: Sequence[SchemaRow] = field(default_factory=lambda: list(ROWS))
    reads: int = 0
    fault: Exception | None = None
    now: float = 0.0

    def schemas(self) -> Sequence[SchemaRow]:
        self.reads += 1
        if self.fault is not None:
            raise self.fault
        return list(self.rows)

    def clock(self) -> float:
        return self.now


@dataclass
class Answer:
    status: int
    headers: Mapping[str, str]
    body: Any


class Door:
    """Asks the application as a server would."""

    def __init__(self, log: Log, *names: str) -> None:
        self._app = HostGuard(registry_app(SchemaTable(log.schemas, clock=log.clock)), names)

    async def ask(
        self,
        target: str,
        method: str = "GET",
        body: bytes = b"",
        host: str | None = "localhost:8081",
    ) -> Answer:
        path, _, query = target.partition("?")
        scope = {
            "type": "http",
            "http_version": "1.1",
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "headers": [] if host is None else [(b"host", host.encode())],
        }
        sent: list[Any] = []

        async def receive() -> Mapping[str, Any]:
            return {"type": "http.request", "body": body}

        async def send(message: Any) -> None:
            sent.append(message)

        await self._app(scope, receive, send)
        headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        text = b"".join(message.get("body", b"") for message in sent[1:])
        return Answer(sent[0]["status"], headers, json.loads(text))


@pytest.mark.parametrize(
    ("target", "body"),
    [
        ("/", {}),
        ("/schemas/types", ["AVRO"]),
        ("/schemas/ids/70", {"schema": TEXT}),
        ("/schemas/ids/70?subject=elsewhere-value&fetchMaxId=false", {"schema": TEXT}),
        ("/schemas/ids/9/schema", json.loads(RECORD)),
        ("/schemas/ids/70/subjects", ["a-value", "b-value"]),
        ("/schemas/ids/70/subjects?offset=1&limit=-1", ["b-value"]),
        (
            "/schemas/ids/70/versions",
            [{"subject": "a-value", "version": 1}, {"subject": "b-value", "version": 1}],
        ),
        ("/subjects", ["a-key", "a-value", "b-value"]),
        ("/subjects?deleted=False&deleted_only=False&offset=0&limit=2", ["a-key", "a-value"]),
        ("/subjects?subjectPrefix=a-v", ["a-value"]),
        ("/subjects?subjectPrefix=:*:", ["a-key", "a-value", "b-value"]),
        ("/subjects?deletedOnly=true", []),
        ("/subjects/a-value/versions", [1, 2]),
        (
            "/subjects/a-value/versions/latest",
            {"subject": "a-value", "version": 2, "id": 9, "schema": RECORD},
        ),
        (
            "/subjects/a-value/versions/-1",
            {"subject": "a-value", "version": 2, "id": 9, "schema": RECORD},
        ),
        (
            "/subjects/a-value/versions/1",
            {"subject": "a-value", "version": 1, "id": 70, "schema": TEXT},
        ),
        ("/subjects/a-value/versions/2/schema", json.loads(RECORD)),
        ("/config", {"compatibilityLevel": "BACKWARD"}),
        ("/config/a-value?defaultToGlobal=true", {"compatibilityLevel": "BACKWARD"}),
        ("/mode", {"mode": "READONLY"}),
        ("/mode/a-value", {"mode": "READONLY"}),
    ],
)
async def test_every_end_point_answers_in_confluents_shape(target: str, body: Any) -> None:
    answer = await Door(Log()).ask(target)
    assert (answer.status, answer.body) == (200, body)
    assert answer.headers["content-type"] == "application/vnd.schemaregistry.v1+json"


@pytest.mark.parametrize(
    ("target", "code"),
    [
        ("/schemas/ids/71", 40403),
        ("/schemas/ids/71/schema", 40403),
        ("/schemas/ids/71/versions", 40403),
        ("/schemas/ids/x", 404),
        ("/schemas/ids/" + "9" * 5000, 404),
        ("/subjects/c/versions", 40401),
        ("/subjects/c/versions/1", 40401),
        ("/subjects/c/versions/latest", 40401),
        ("/subjects/a-value/versions/3", 40402),
        ("/subjects/a-value/versions/0", 42202),
        ("/subjects/a-value/versions/newest", 42202),
        ("/subjects/a-value/versions/2147483648", 42202),
        ("/config/c", 40401),
        ("/else", 404),
    ],
)
async def test_what_is_not_there_is_told_in_confluents_format(target: str, code: int) -> None:
    answer = await Door(Log()).ask(target)
    assert answer.status == (code if code < 1000 else code // 100)
    assert answer.body["error_code"] == code
    assert answer.body["message"]
    assert answer.headers["content-type"] == "application/vnd.schemaregistry.v1+json"


@pytest.mark.parametrize(
    ("subject", "body", "found"),
    [
        ("a-value", {"schema": TEXT}, 70),
        ("a-value", {"schema": TEXT, "schemaType": "AVRO"}, 70),
        ("a-key", {"schema": '{"type": "long"}'}, 5),
        ("a-value", {"schema": RECORD.replace('"doc":"it",', " ")}, 9),
        ("a-value", {"schema": LONG}, 40403),
        ("c", {"schema": TEXT}, 40401),
        ("a-value", {"schema": '"lnog"'}, 42201),
        ("a-value", {"schema": "[" * 100_000}, 42201),
        ("a-value", {"schema": TEXT, "schemaType": "JSON"}, 42201),
        ("a-value", {}, 42201),
        ("a-value", [], 42201),
    ],
)
async def test_a_schema_is_looked_up_by_what_it_means(subject: str, body: Any, found: int) -> None:
    answer = await Door(Log()).ask(f"/subjects/{subject}", "POST", json.dumps(body).encode())
    if found < 1000:
        assert (answer.status, answer.body["id"], answer.body["subject"]) == (200, found, subject)
    else:
        assert answer.body["error_code"] == found


@pytest.mark.parametrize(
    ("body", "code"), [(b"{", 400), (b"[" * 100_000, 400), (b" " * 2**21, 413)]
)
async def test_a_body_that_is_none_is_refused(body: bytes, code: int) -> None:
    answer = await Door(Log()).ask("/subjects/a-value", "POST", body)
    assert (answer.status, answer.body["error_code"]) == (code, code)


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("POST", "/subjects/a-value/versions"),
        ("DELETE", "/subjects/a-value"),
        ("DELETE", "/subjects/a-value/versions/1"),
        ("PUT", "/config"),
        ("PUT", "/config/a-value"),
        ("PUT", "/mode"),
        ("POST", "/compatibility/subjects/a-value/versions/latest"),
    ],
)
async def test_nothing_is_written_here(method: str, target: str) -> None:
    answer = await Door(Log()).ask(target, method, b"{}")
    assert (answer.status, answer.body["error_code"]) == (405, 405)
    assert "read only" in answer.body["message"]


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("LocalHost:1", 200),
        ("127.0.0.1:8081", 200),
        ("[::1]:8081", 200),
        ("registry:8081", 200),
        ("evil.example", 421),
        ("localhost.evil.example", 421),
        ("127.0.0.1.evil.example:8081", 421),
        ("", 421),
        (None, 421),
    ],
)
async def test_only_requests_for_its_own_names_are_answered(host: str | None, status: int) -> None:
    log = Log()
    assert (await Door(log, "registry").ask("/subjects", host=host)).status == status
    assert (log.reads == 0) is (status == 421)


async def test_the_log_is_read_once_a_second_and_again_for_what_is_missing() -> None:
    log = Log()
    door = Door(log)
    for _ in range(5):
        await door.ask("/schemas/ids/70")
    assert log.reads == 1
    log.rows = [*ROWS, SchemaRow("new-value", 1, 12, LONG)]
    assert (await door.ask("/subjects")).body == ["a-key", "a-value", "b-value"]
    log.now += 0.1
    assert (await door.ask("/schemas/ids/12")).body == {"schema": LONG}
    assert log.reads == 2
    log.rows = [*log.rows, SchemaRow("newer-value", 1, 12, LONG)]
    assert "newer-value" not in (await door.ask("/subjects")).body
    log.now += FRESH_SECONDS
    assert "newer-value" in (await door.ask("/subjects")).body


async def test_a_log_that_can_not_be_read_is_told_without_its_place() -> None:
    log = Log(fault=StoreError("broken", place="/srv/secret/log.db"))
    answer = await Door(log).ask("/subjects")
    assert (answer.status, answer.body["error_code"]) == (500, 50001)
    assert "secret" not in str(answer.body)
    log.fault = None
    assert (await Door(log).ask("/subjects")).status == 200
