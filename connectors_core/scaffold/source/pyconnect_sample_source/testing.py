"""A fake of the API on 127.0.0.1, for the playground; and the contract that is judged with it."""

import json
from typing import Any

from connectors_core.testing import HttpUpstream, Request, Response, SourceContract

from pyconnect_sample_source.source import SampleSource

ITEMS: list[dict[str, Any]] = [{"id": n, "text": f"item {n}"} for n in range(1, 21)]


class Upstream(HttpUpstream):
    """Twenty items, five on a page; the same each time. It can do every `fault` of HTTP."""

    def __init__(self) -> None:
        super().__init__(self.answer)

    def config(self) -> dict[str, Any]:
        """Return the options that point the source here."""
        fast = {"poll_ms": 50, "timeout_ms": 1000, "per_second": 1000}
        return {"url": self.url, "token": "token-of-the-fake", **fast}

    def expected(self) -> list[Any]:
        """Return the values of a complete read."""
        return ITEMS

    def answer(self, request: Request) -> Response:
        """Answer as the API does: what follows an id, and an empty list at the end."""
        page = [item for item in ITEMS if item["id"] > int(request.query["after"])][:5]
        return Response(body=json.dumps(page))


class Contract(SourceContract):
    """What the source promises: `pyconnect contract sample-source` holds it to that."""

    source = SampleSource
    upstream = Upstream
    capabilities = frozenset({"ordered", "paced", "replayable"})
