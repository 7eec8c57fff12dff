"""A real Kafka Connect worker of the same version, to be measured beside ours."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.kafka.broker import HOST, free_ports
from tests.kafka.jars import jars
from tests.kafka.jvm import Jvm
from tests.kafka.topic import unique

READY_SECONDS = 120.0
PAUSE = 0.05


class ConnectWorker:
    """One distributed worker of Kafka Connect with the file source on its plugin path.

    Its Java options are those of Kafka's own start scripts, so that it runs at full speed;
    `settings` go over the worker's properties.
    """

    def __init__(
        self,
        folder: Path,
        bootstrap: str,
        *,
        exactly_once: bool,
        heap: str = "1g",
        options: Iterable[str] = ("-XX:+UseG1GC",),
        settings: Mapping[str, object] | None = None,
    ) -> None:
        self.folder, self.options = folder, [f"-Xmx{heap}", *options]
        self.url = f"http://{HOST}:{free_ports(1)[0]}"
        self.process: Jvm | None = None
        self.settings = {**self.defaults(bootstrap, exactly_once), **(settings or {})}

    def defaults(self, bootstrap: str, exactly_once: bool) -> dict[str, object]:
        """Return the worker's properties; -1 copies is the brokers' default."""
        # Its topics keep its connectors: another worker would go on with them.
        group = unique("connect")
        return {
            "bootstrap.servers": bootstrap,
            "group.id": group,
            "listeners": self.url,
            "exactly.once.source.support": "enabled" if exactly_once else "disabled",
            "key.converter": "org.apache.kafka.connect.storage.StringConverter",
            "value.converter": "org.apache.kafka.connect.storage.StringConverter",
            "config.storage.topic": f"{group}-configs",
            "config.storage.replication.factor": -1,
            "offset.storage.topic": f"{group}-offsets",
            "offset.storage.replication.factor": -1,
            "status.storage.topic": f"{group}-status",
            "status.storage.replication.factor": -1,
            "plugin.path": self.folder / "plugins",
            "plugin.discovery": "service_load",
        }

    def __enter__(self) -> ConnectWorker:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        """Start the worker, and wait until it answers."""
        self.launch()
        self.until(lambda: bool(self.ask("/")["version"]), "a worker that answers")

    def launch(self) -> None:
        """Start the worker's process, and go on: for who measures the time that it needs."""
        plugin = self.folder / "plugins" / "connect-file"
        plugin.mkdir(parents=True, exist_ok=True)
        for jar in jars().glob("connect-file-*.jar"):
            (plugin / jar.name).unlink(missing_ok=True)
            (plugin / jar.name).symlink_to(jar)
        file = self.folder / "connect.properties"
        file.write_text("".join(f"{key}={each}\n" for key, each in self.settings.items()))
        main = "org.apache.kafka.connect.cli.ConnectDistributed"
        self.process = Jvm(main, [str(file)], self.folder / "connect.log", self.options)

    def file_source(self, name: str, file: Path, topic: str, **options: object) -> None:
        """Start a FileStreamSource, and wait until connector and task are RUNNING.

        Options are written with `_` for `.`: `batch_size=2000`. Lines that Connect has read when a
        batch is full wait for the file to grow: the last of a file may not come.
        """
        given = {key.replace("_", "."): str(each) for key, each in options.items()}
        config = {
            "connector.class": "org.apache.kafka.connect.file.FileStreamSourceConnector",
            "tasks.max": "1",
            "file": str(file),
            "topic": topic,
            **given,
        }
        body = json.dumps({"name": name, "config": config}).encode()
        # Until the worker has joined its group, it answers 409 or 503.
        self.until(lambda: bool(self.ask("/connectors", body)), f"a connector {name}")
        self.until(lambda: self.runs(name), f"a running connector {name}")

    def runs(self, name: str) -> bool:
        """Say whether a connector and its tasks are RUNNING; one that failed is an error."""
        status = self.ask(f"/connectors/{name}/status")
        parts = [status["connector"], *status["tasks"]]
        for part in parts:
            if part["state"] == "FAILED":
                raise RuntimeError(f"{self.url}: connector {name} failed: {part.get('trace')}")
        return len(parts) > 1 and all(part["state"] == "RUNNING" for part in parts)

    def delete(self, name: str) -> None:
        """Delete a connector; its offsets stay."""
        self.ask(f"/connectors/{name}", method="DELETE")

    def memory(self) -> tuple[int, int]:
        """Return what is resident now, and what was at most, in bytes (Linux only)."""
        assert self.process is not None
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        lines = dict(line.split(":", 1) for line in status.splitlines())
        return (
            int(lines["VmRSS"].split()[0]) * 1024,
            int(lines["VmHWM"].split()[0]) * 1024,
        )

    def ask(self, path: str, body: bytes | None = None, method: str | None = None) -> Any:
        """Return what the worker answers; None for nothing."""
        request = urllib.request.Request(
            self.url + path, body, {"Content-Type": "application/json"}, method=method
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def until(self, fact: Callable[[], bool], what: str) -> None:
        """Ask until a fact about the worker holds; TimeoutError, with its log's end, if not."""
        assert self.process is not None
        deadline, said = time.monotonic() + READY_SECONDS, ""
        while time.monotonic() < deadline and self.process.running():
            try:
                if fact():
                    return
            except urllib.error.HTTPError as error:
                with error:
                    said = error.read().decode(errors="replace")
                if error.code not in {404, 409, 500, 503}:
                    break
            except OSError as error:
                said = str(error)
            time.sleep(PAUSE)
        raise TimeoutError(f"{self.url}: not {what}; it said: {said}\n{self.process.tail()}")

    def close(self) -> None:
        """Stop the worker in good order, or kill it: its web server sometimes waits for ever."""
        if self.process is not None:
            with suppress(TimeoutError):
                self.process.stop()
            self.process = None
