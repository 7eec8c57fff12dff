"""Refusal: an error as a schema registry of Confluent's HTTP API answers it."""

from __future__ import annotations

import json
import logging
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

log = logging.getLogger(__name__)
MEDIA_TYPE = "application/vnd.schemaregistry.v1+json"
READ_METHODS = ("GET", "HEAD")
READ_ONLY = (
    "This registry is read only: `pyconnect run` registers the schemas of what it writes. Ask with"
    " GET, or look a schema up with POST /subjects/{subject}."
)


class Refusal(Exception):
    """An answer that is none. `code` is Confluent's: its first three digits are the status.

    Source: docs.confluent.io, "Schema Registry API Reference", "Errors".
    """

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def no_subject(subject: str) -> Refusal:
    """Say that there is no such subject."""
    return Refusal(40401, f"Subject '{subject}' not found.")


def no_schema() -> Refusal:
    """Say that there is no such schema."""
    return Refusal(40403, "Schema not found")


def answer(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Return a body as the registry's JSON."""
    text = json.dumps(body, ensure_ascii=False)
    return Response(text, status, headers=headers, media_type=MEDIA_TYPE)


def refused(code: int, message: str, headers: dict[str, str] | None = None) -> Response:
    """Return an error as the registry's JSON."""
    status = code if code < 1000 else code // 100
    return answer({"error_code": code, "message": message}, status, headers)


async def on_refusal(request: Request, error: Exception) -> Response:
    """Answer a Refusal."""
    assert isinstance(error, Refusal)
    return refused(error.code, error.message)


async def on_http_exception(request: Request, error: Exception) -> Response:
    """Answer what no route takes; whatever would write is told that nothing is written here."""
    assert isinstance(error, HTTPException)
    if request.method not in READ_METHODS:
        return refused(405, READ_ONLY, {"Allow": ", ".join(READ_METHODS)})
    return refused(error.status_code, f"HTTP {error.status_code} {error.detail}")


async def on_store_error(request: Request, error: Exception) -> Response:
    """Answer that the log can't be read. What is wrong with it is for our own log."""
    log.error("the log can't be read", extra={"error": str(error)})
    return refused(50001, "Error in the backend data store")
