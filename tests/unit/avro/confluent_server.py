"""A schema registry with Confluent's HTTP API, in memory, with faults that are set from outside."""

from __future__ import annotations

import json
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import unquote, urlsplit

Answer = tuple[int, Any]
MISSING = {
    "subject": (404, {"error_code": 40401, "message": "Subject not found."}),
    "schema": (404, {"error_code": 40403, "message": "Schema not found"}),
}
INCOMPATIBLE = (409, {"error_code": 409, "message": "Schema being registered is incompatible"})


class ConfluentServer:
    """Gives ids from 1 on. `fault` is answered to everything; bytes in it are sent as they are.

    While `hanging`, nothing is answered. `refused` holds the schemas that no subject takes,
    `authorization` the header that has to be there. `requests` has method and path of each.
    """

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.subjects: dict[str, list[str]] = {}
        self.levels: dict[str, str] = {}
        self.ids: dict[str, int] = {}
        self.refused: set[str] = set()
        self.fault: Answer | None = None
        self.authorization: str | None = None
        self.requests: list[tuple[str, str]] = []
        self.heard: list[str | None] = []
        self.port = 0
        self._closed = False
        self._tls = tls
        self._go = threading.Event()
        self._go.set()
        self._lock = threading.Lock()
        self._server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        scheme = "http" if self._tls is None else "https"
        return f"{scheme}://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Listen; after a `stop`, on the port of before."""
        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), _handler(self))
        self._server.daemon_threads = False  # so that server_close waits for them
        if self._tls is not None:
            self._server.socket = self._tls.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def stop(self) -> None:
        self._go.set()
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def hang(self) -> None:
        self._go.clear()

    def go_on(self) -> None:
        self._go.set()

    def refuse_new(self) -> None:
        """Take no schema from now on that is not there yet."""
        self._closed = True

    def asked(self, method: str) -> list[str]:
        return [path for each, path in self.requests if each == method]

    def answer(self, method: str, path: str, authorization: str | None, body: Any) -> Answer:
        with self._lock:
            self.requests.append((method, path))
            self.heard.append(authorization)
        self._go.wait()
        if self.fault is not None:
            return self.fault
        if self.authorization not in (None, authorization):
            return 401, {"error_code": 401, "message": f"HTTP 401, not {authorization}"}
        with self._lock:
            return self._route(method, [unquote(part) for part in path.split("/")[1:]], body)

    def _route(self, method: str, parts: list[str], body: Any) -> Answer:
        match method, *parts:
            case "GET", "schemas", "ids", number:
                found = next((t for t, known in self.ids.items() if known == int(number)), None)
                return (200, {"schema": found}) if found else MISSING["schema"]
            case "GET", "subjects", subject, "versions", "latest" if subject in self.subjects:
                return 200, self._version(subject, len(self.subjects[subject]))
            case "POST", "subjects", subject, "versions":
                return self._register(subject, body["schema"])
            case "POST", "subjects", subject if subject in self.subjects:
                texts = self.subjects[subject]
                if body["schema"] not in texts:
                    return MISSING["schema"]
                return 200, self._version(subject, texts.index(body["schema"]) + 1)
            case "PUT", "config", subject:
                self.levels[subject] = body["compatibility"]
                return 200, body
        return MISSING["subject"]

    def _version(self, subject: str, version: int) -> dict[str, Any]:
        text = self.subjects[subject][version - 1]
        return {"subject": subject, "version": version, "id": self.ids[text], "schema": text}

    def _register(self, subject: str, text: str) -> Answer:
        if text in self.refused or (self._closed and text not in self.ids):
            return INCOMPATIBLE
        texts = self.subjects.setdefault(subject, [])
        if text not in texts:
            texts.append(text)
        return 200, {"id": self.ids.setdefault(text, len(self.ids) + 1)}


def _handler(registry: ConfluentServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def _do(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            path = urlsplit(self.path).path
            authorization = self.headers.get("Authorization")
            status, answer = registry.answer(self.command, path, authorization, body)
            data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            try:
                self.send_response(status)
                self.send_header("Content-Type", "application/vnd.schemaregistry.v1+json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)
            except OSError:
                return  # the client has given up, as it may

        do_GET = do_POST = do_PUT = _do  # noqa: N815 - what http.server calls

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler
