"""RegistryApi: the read side of the Confluent schema registry's HTTP API.

Source: docs.confluent.io, "Schema Registry API Reference". A stock deserializer and Kafka UI need
no more than this. Schemas are registered by whoever writes the log, never here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connectors_core.api.errors import ConfigError, PyconnectError
from connectors_core.api.schema import Schema
from connectors_core.api.store import SchemaRow
from connectors_core.rest.refusal import (
    MEDIA_TYPE,
    Refusal,
    answer,
    no_schema,
    no_subject,
    on_http_exception,
    on_refusal,
    on_store_error,
)
from connectors_core.rest.schema_table import SchemaTable

T = TypeVar("T")
LEVEL = "BACKWARD"
"""What `schema.evolution: evolve` holds every subject to."""
_ALL_PREFIXES = ("", ":*:", ":.:")
"""Confluent's words for every context and for the default one; a log has no other."""
_BODY_BYTES = 1 << 20
_NUMBER = 1 << 31


def registry_app(table: SchemaTable) -> Starlette:
    """Return the application that answers from a table."""
    api = RegistryApi(table)
    gets: Mapping[str, Callable[[Request], Any]] = {
        "/": api.root,
        "/schemas/types": api.types,
        "/schemas/ids/{id}": api.schema,
        "/schemas/ids/{id}/schema": api.schema_text,
        "/schemas/ids/{id}/subjects": api.subjects_of,
        "/schemas/ids/{id}/versions": api.versions_of,
        "/subjects": api.subjects,
        "/subjects/{subject}/versions": api.versions,
        "/subjects/{subject}/versions/{version}": api.version,
        "/subjects/{subject}/versions/{version}/schema": api.version_text,
        "/config": api.config,
        "/config/{subject}": api.config,
        "/mode": api.mode,
        "/mode/{subject}": api.mode,
    }
    routes = [Route(path, endpoint, methods=["GET"]) for path, endpoint in gets.items()]
    routes.append(Route("/subjects/{subject}", api.look_up, methods=["POST"]))
    return Starlette(
        routes=routes,
        exception_handlers={
            Refusal: on_refusal,
            HTTPException: on_http_exception,
            PyconnectError: on_store_error,
        },
    )


class RegistryApi:
    """The end points. `?subject=` of an id is taken as a hint, as there are no contexts here."""

    def __init__(self, table: SchemaTable) -> None:
        self._table = table

    async def root(self, request: Request) -> Response:
        return answer({})

    async def types(self, request: Request) -> Response:
        return answer(["AVRO"])

    async def schema(self, request: Request) -> Response:
        return answer({"schema": (await self._by_id(request))[0].avro})

    async def schema_text(self, request: Request) -> Response:
        return Response((await self._by_id(request))[0].avro, media_type=MEDIA_TYPE)

    async def subjects_of(self, request: Request) -> Response:
        rows = await self._by_id(request)
        return answer(_page(request, list(dict.fromkeys(row.subject for row in rows))))

    async def versions_of(self, request: Request) -> Response:
        rows = await self._by_id(request)
        pairs = [{"subject": row.subject, "version": row.version} for row in rows]
        return answer(_page(request, pairs))

    async def subjects(self, request: Request) -> Response:
        prefix = request.query_params.get("subjectPrefix", "")
        if prefix in _ALL_PREFIXES:
            prefix = ""
        if request.query_params.get("deletedOnly", "").lower() == "true":
            return answer([])
        known = (await self._table.snapshot()).subjects
        return answer(_page(request, [name for name in known if name.startswith(prefix)]))

    async def versions(self, request: Request) -> Response:
        return answer(_page(request, sorted(await self._by_subject(request))))

    async def version(self, request: Request) -> Response:
        return answer(_whole(await self._row(request)))

    async def version_text(self, request: Request) -> Response:
        return Response((await self._row(request)).avro, media_type=MEDIA_TYPE)

    async def look_up(self, request: Request) -> Response:
        wanted = _schema(await _body(request))
        subject = request.path_params["subject"]

        def is_wanted(rows: Mapping[int, SchemaRow]) -> SchemaRow | None:
            newest_first = sorted(rows.values(), key=lambda row: -row.version)
            return next((row for row in newest_first if Schema.avro(row.avro) == wanted), None)

        found = await self._table.find(lambda now: is_wanted(now.subjects.get(subject, {})))
        if found is None:
            known = (await self._table.snapshot()).subjects
            raise no_schema() if subject in known else no_subject(subject)
        return answer(_whole(found))

    async def config(self, request: Request) -> Response:
        if "subject" in request.path_params:
            await self._by_subject(request)
        return answer({"compatibilityLevel": LEVEL})

    async def mode(self, request: Request) -> Response:
        return answer({"mode": "READONLY"})

    async def _by_id(self, request: Request) -> Sequence[SchemaRow]:
        schema_id = _number(request.path_params["id"])
        if schema_id is None:
            raise HTTPException(404, "Not Found")
        found = await self._table.find(lambda now: now.ids.get(schema_id))
        if found is None:
            raise Refusal(40403, f"Schema {schema_id} not found")
        return found

    async def _by_subject(self, request: Request) -> Mapping[int, SchemaRow]:
        subject = request.path_params["subject"]
        found = await self._table.find(lambda now: now.subjects.get(subject))
        if found is None:
            raise no_subject(subject)
        return found

    async def _row(self, request: Request) -> SchemaRow:
        subject, asked = request.path_params["subject"], request.path_params["version"]
        if asked in ("latest", "-1"):
            rows = await self._by_subject(request)
            return rows[max(rows)]
        number = _number(asked)
        if not number:
            raise Refusal(
                42202,
                f"The specified version '{asked}' is not a valid version id. Allowed values are"
                ' between [1, 2^31-1] and the string "latest"',
            )
        found = await self._table.find(lambda now: now.subjects.get(subject, {}).get(number))
        if found is None:
            await self._by_subject(request)
            raise Refusal(40402, f"Version {number} not found.")
        return found


def _number(text: str) -> int | None:
    """Return a number of up to 31 bits, None for any other text."""
    # Ten digits are enough; int() of a whole URL of them would take its time.
    if not (text.isascii() and text.isdecimal() and len(text) <= 10):
        return None
    number = int(text)
    return number if number < _NUMBER else None


def _page(request: Request, items: list[T]) -> list[T]:
    start = _number(request.query_params.get("offset", "0")) or 0
    limit = _number(request.query_params.get("limit", ""))
    return items[start:] if limit is None else items[start : start + limit]


def _whole(row: SchemaRow) -> dict[str, object]:
    return {"subject": row.subject, "version": row.version, "id": row.id, "schema": row.avro}


async def _body(request: Request) -> Any:
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > _BODY_BYTES:
            raise Refusal(413, f"A schema of more than {_BODY_BYTES} bytes is not looked up.")
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        raise Refusal(400, "The body is no JSON.") from None


def _schema(body: Any) -> Schema:
    text = body.get("schema") if isinstance(body, dict) else None
    if not isinstance(text, str) or body.get("schemaType") not in (None, "AVRO"):
        raise Refusal(42201, 'Invalid schema: give {"schema": "...", "schemaType": "AVRO"}.')
    try:
        return Schema.avro(text)
    except ConfigError as error:
        raise Refusal(42201, f"Invalid schema: {error}") from None
