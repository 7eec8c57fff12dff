"""The parent of child processes: imports everything once, and forks for every job.

Reads one JSON job a line from stdin; writes `{"pid": …}` and `{"code": …}` to stdout, each after a
line with its length in bytes. A fork takes some milliseconds, a new interpreter half a second, and
there are hundreds of kills.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import traceback
from collections.abc import Mapping
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO

from connectors_core.testing.declaration import Declaration
from connectors_core.testing.home import Home, at
from connectors_core.testing.kills.job import Done, Job
from connectors_core.testing.kills.offspring import done


def main() -> None:
    """Serve jobs until stdin ends. The arguments are sys.path and the contract's home, as JSON."""
    sys.path[:] = json.loads(sys.argv[1])
    home = Home(**json.loads(sys.argv[2]))
    to_parent = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a plugin prints must not meet what is said here
    declaration = at(home).declaration()
    _tell(to_parent, {"ready": True})
    for line in sys.stdin:
        _serve(declaration, Job.read(line), to_parent)


def _tell(to_parent: BinaryIO, fact: Mapping[str, Any]) -> None:
    data = json.dumps(fact).encode()
    to_parent.write(b"%d\n%b" % (len(data), data))
    to_parent.flush()


def _serve(declaration: Declaration, job: Job, to_parent: BinaryIO) -> None:
    told = Path(f"{job.plot.folder}.told")
    told.unlink(missing_ok=True)
    if job.plot.kafka is not None:
        # Imported once for all; a client, whose threads no fork takes along, is a child's alone.
        import_module("connectors_core.stores.kafka")
    pid = os.fork()
    if pid == 0:
        to_parent.close()
        os._exit(_child(declaration, job, told))
    _tell(to_parent, {"pid": pid})
    _outlive(pid)
    _, status = os.waitpid(pid, 0)
    found = json.loads(told.read_text()) if told.exists() else {}
    _tell(to_parent, {**found, "code": os.waitstatus_to_exitcode(status)})


def _outlive(pid: int) -> None:
    """Wait until a child has ended; end it if the parent of all goes first.

    Where the system can't wait for both, the child is done when it is done.
    """
    if not hasattr(os, "pidfd_open"):
        return
    child = os.pidfd_open(pid)
    try:
        # Nobody gives a job before the last is done: what comes meanwhile is the end of stdin.
        ready, _, _ = select.select([child, sys.stdin], [], [])
        if child not in ready:
            os.kill(pid, signal.SIGKILL)
    finally:
        os.close(child)


def _child(declaration: Declaration, job: Job, told: Path) -> int:
    """Do the job, and tell how it went in a file."""
    try:
        how = done(declaration, job)
    except BaseException as error:  # noqa: BLE001 - all of it is told
        how = Done(1, "".join(traceback.format_exception(error))[-4000:])
    told.write_text(json.dumps(asdict(how)))
    return how.code


if __name__ == "__main__":
    main()
