"""One Java process of Kafka: started, stopped, killed, frozen, and never left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.kafka.jars import jars, java

GUARD = Path(__file__).with_name("guard.py")
STOP_SECONDS = 60.0
TAIL_LINES = 40
QUICK = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto")
"""Starts in half the time, and is slower at its work: for tests, not for benchmarks."""


def command(main: str, arguments: Sequence[str], options: Sequence[str]) -> list[str]:
    """Return the command that runs a class of the jars; slf4j-simple logs to stderr."""
    logging = ["-Dorg.slf4j.simpleLogger.showDateTime=true"]
    return [java(), *options, *logging, "-cp", f"{jars()}/*", main, *arguments]


class Jvm:
    """A class of the jars, running under a guard that kills it when this process is gone."""

    def __init__(
        self, main: str, arguments: Sequence[str], log: Path, options: Sequence[str] = ()
    ) -> None:
        self.log = log
        with log.open("ab") as output:
            self.guard = subprocess.Popen(
                [sys.executable, "-ES", str(GUARD), *command(main, arguments, options)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
                # Ctrl-C is for the tests; what they started is ended by their fixtures.
                start_new_session=True,
            )
        assert self.guard.stdout is not None
        self.pid = int(self.guard.stdout.readline() or 0)
        if not self.pid:
            self.kill()
            raise OSError(f"{main}: did not start. Read {log}:\n{self.tail()}")

    def running(self) -> bool:
        """Say whether the process is there, frozen or not."""
        return self.guard.poll() is None

    def tail(self) -> str:
        """Return the last lines of the log."""
        lines = self.log.read_text(errors="replace").splitlines()
        return "\n".join(lines[-TAIL_LINES:])

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone; nothing if it is gone already."""
        self.end(signal.SIGKILL)

    def stop(self) -> None:
        """SIGTERM, and wait until it is gone; one that does not end is killed, and an error."""
        try:
            self.end(signal.SIGTERM)
        except subprocess.TimeoutExpired:
            self.kill()
            raise TimeoutError(
                f"pid {self.pid}: did not stop in {STOP_SECONDS:.0f} s. Read {self.log}:\n"
                f"{self.tail()}"
            ) from None

    def freeze(self) -> None:
        """SIGSTOP: connections stay open, and nothing answers."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT."""
        os.kill(self.pid, signal.SIGCONT)

    def end(self, number: signal.Signals) -> None:
        """Send a signal and wait for the end."""
        # The guard reaps its child and ends at once: while it runs, the pid is the child's.
        if self.running():
            os.kill(self.pid, number)
            self.guard.wait(STOP_SECONDS)
        for pipe in (self.guard.stdin, self.guard.stdout):
            assert pipe is not None
            pipe.close()
