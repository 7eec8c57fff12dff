"""The sources of `read-an-http-api.md` keep the contract, each against the API that it is for."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from connectors_core import Source
from connectors_core.testing import HttpUpstream, Request, Response, SourceContract
from tests.docs.markdown import ROOT, blocks

PAGE = ROOT / "docs" / "how-to" / "read-an-http-api.md"
FOLDER = TemporaryDirectory(prefix="pyconnect-docs-")


def of_page(title: str) -> type[Source[Any]]:
    """Return the source of a block: the module is made where a child process, too, imports this."""
    (block,) = [each for each in blocks(PAGE) if each.title == title]
    file = Path(FOLDER.name, title)
    file.write_text(block.text)
    spec = importlib.util.spec_from_file_location(f"tests_docs_{file.stem}", file)
    assert spec is not None and spec.loader is not None
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found = [each for each in vars(module).values() if getattr(each, "__module__", "") == spec.name]
    source: type[Source[Any]]
    (source,) = found
    return source


class Api(HttpUpstream):
    """Twenty numbered things."""

    def __init__(self) -> None:
        super().__init__(self.answer)
        self.kept_from = 1

    def config(self) -> dict[str, Any]:
        return {"url": self.url, "poll_ms": 20, "timeout_ms": 1000, "per_second": 1000}

    def expected(self) -> list[Any]:
        return [{"id": f"{n}", "line": n} for n in range(1, 21)]

    def answer(self, request: Request) -> Response:
        raise NotImplementedError


class Cursors(Api):
    def answer(self, request: Request) -> Response:
        cursor = request.query["cursor"] or "0"
        if not cursor.isdigit():
            return Response(400)  # it was spoiled on its way
        done = int(cursor)
        page = self.expected()[done : done + 5]
        return Response(body=json.dumps({"events": page, "next": str(done + len(page) or "")}))


class Pages(Api):
    """Its last page has more, the second time that it is asked for."""

    grown = False

    def answer(self, request: Request) -> Response:
        cursor = request.query.get("cursor", "0")
        if cursor not in {"0", "5", "10", "15"} or request.query.get("cursor") == "0":
            return Response(400)
        first, last = int(cursor), cursor == "15"
        page = self.expected()[first : first + (2 if last and not self.grown else 5)]
        self.grown |= last
        return Response(body=json.dumps({"events": page, "next": None if last else str(first + 5)}))


class Etags(Api):
    """One document; where it stands still, as here, a resume gives nothing more."""

    def expected(self) -> list[Any]:
        return [{"usd": 1.5, "krw": 0.001}]

    def answer(self, request: Request) -> Response:
        if request.headers.get("if-none-match") == '"1"':
            return Response(304)
        return Response(body=json.dumps(self.expected()[0]), headers={"ETag": '"1"'})


class Queue(Api):
    def expected(self) -> list[Any]:
        return [{"id": n} for n in range(1, 21)]

    def answer(self, request: Request) -> Response:
        if request.method == "POST":
            self.kept_from = max(self.kept_from, json.loads(request.body)["up_to"] + 1)
            return Response(204)
        kept = [each for each in self.expected() if each["id"] >= self.kept_from]
        return Response(body=json.dumps(kept))


class History(Api):
    async def fault(self, kind: str) -> None:
        if kind == "prune":
            self.kept_from = 20
        else:
            await super().fault(kind)

    def answer(self, request: Request) -> Response:
        after = int(request.query.get("after", self.kept_from - 1))
        if after + 1 < self.kept_from:
            return Response(410)
        return Response(body=json.dumps(self.expected()[after : after + 5]))


class TestByCursor(SourceContract):
    source = of_page("by_cursor.py")
    upstream = Cursors
    capabilities = {"ordered", "paced", "replayable"}


class TestByPage(SourceContract):
    source = of_page("by_page.py")
    upstream = Pages
    capabilities = {"ordered", "paced", "replayable"}


class TestByEtag(SourceContract):
    source = of_page("by_etag.py")
    upstream = Etags
    capabilities = {"ordered", "paced", "replayable"}


class TestByAcknowledgement(SourceContract):
    source = of_page("by_acknowledgement.py")
    upstream = Queue
    capabilities = {"ordered", "paced", "prunes_on_ack", "replayable"}


class TestByHistory(SourceContract):
    source = of_page("by_history.py")
    upstream = History
    capabilities = {"ordered", "paced", "replayable"}
