"""The command line: one small file a command. `stdout` is data, `stderr` is messages."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from threading import Timer


def main() -> None:
    """Run `pyconnect` with the arguments of this process, and exit with its code."""
    from connectors_core.cli.group import pyconnect

    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # `2>&-`; nor may a file of ours be opened as number 2
            setattr(sys, name, Path(os.devnull).open("w"))  # noqa: SIM115 - to the process's end
    try:
        pyconnect(prog_name="pyconnect")
    finally:
        end = sys.exc_info()[1]
        # A plugin's thread that never returns must not keep the process.
        left = Timer(0.3, os._exit, [end.code if isinstance(end, SystemExit) else 1])
        left.daemon = True
        left.start()
