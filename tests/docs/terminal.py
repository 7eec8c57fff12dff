"""A shell into which the commands of a page are typed, one block after the other."""

from __future__ import annotations

import os
import re
import select
import shlex
import signal
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.docs.markdown import Block

SECONDS = 300.0
_NUMBER = re.compile(r"\d[\d.:,TZ-]*")


@dataclass(frozen=True)
class Output:
    """What a block wrote."""

    stdout: str
    stderr: str


class Terminal:
    """One bash for a whole page: variables, the directory and jobs live on from block to block.

    `folder` is where the page begins; `scratch` is outside of what the page sees. A context
    manager: leaving it ends the shell and every job that it left behind.
    """

    def __init__(self, folder: Path, scratch: Path, environ: Mapping[str, str]) -> None:
        self._scratch = scratch
        self._said, told = os.pipe()
        with (scratch / "stdout").open("wb") as out, (scratch / "stderr").open("wb") as err:
            self._shell = subprocess.Popen(
                ["bash", "--norc", "--noprofile"],
                cwd=folder,
                env=dict(environ),
                stdin=subprocess.PIPE,
                stdout=out,
                stderr=err,
                pass_fds=(told,),
                start_new_session=True,
                text=True,
            )
        os.close(told)
        self._told = told
        self._count = 0

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._shell.stdin is not None
        with suppress(ProcessLookupError):
            os.killpg(self._shell.pid, signal.SIGKILL)
        self._shell.wait()
        self._shell.stdin.close()
        os.close(self._said)

    def type(self, block: Block) -> Output:
        """Run a block as typed; a command that fails, or does not fail as announced, is an error."""
        before = self._sizes()
        self._count += 1
        script = self._scratch / f"block-{self._count}.sh"
        guard = "set -e\n" if block.exit == 0 else ""
        script.write_text(f"{guard}{block.text}", "utf-8")
        assert self._shell.stdin is not None
        quoted = shlex.quote(str(script))
        self._shell.stdin.write(f". {quoted} </dev/null; echo $? >&{self._told}; set +e\n")
        self._shell.stdin.flush()
        code = self._code()
        made = Output(*(self._since(name, at) for name, at in before.items()))
        assert code == block.exit, f"{block}: exit {code}\n{block.text}\n{made.stdout}{made.stderr}"
        return made

    def _code(self) -> int | None:
        """Return the exit code of the block, None if the shell ended with it."""
        ends_at = time.monotonic() + SECONDS
        while time.monotonic() < ends_at:
            ready, _, _ = select.select([self._said], [], [], 0.2)
            if ready or self._shell.poll() is not None:
                said = os.read(self._said, 64) if ready else b""
                # Nothing said: `set -e` has ended the shell.
                return int(said) if said else self._shell.wait() or None
        raise AssertionError("the block did not end")

    def _sizes(self) -> dict[str, int]:
        return {name: (self._scratch / name).stat().st_size for name in ("stdout", "stderr")}

    def _since(self, name: str, at: int) -> str:
        return (self._scratch / name).read_bytes()[at:].decode("utf-8", "replace")


def shows(expected: Block, output: Output) -> bool:
    """Say whether a block wrote what the page shows, on stdout or on stderr.

    A line `...` stands for any lines, or none, and `…` for any text within a line. With the mark
    `like`, every number is like every other.
    """
    wanted = "".join(
        r"(?:.*\n)*?"
        if line == "..."
        else re.escape(f"{_plain(line, expected)}\n").replace("…", ".*")
        for line in expected.text.splitlines()
    )
    return any(
        re.fullmatch(wanted, "".join(f"{_plain(line, expected)}\n" for line in said.splitlines()))
        for said in (output.stdout, output.stderr)
    )


def _plain(line: str, expected: Block) -> str:
    words = " ".join(line.split())
    return _NUMBER.sub("0", words) if "like" in expected.marks else words
