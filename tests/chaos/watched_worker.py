"""`pyconnect run` with a byte of shared memory that says whether a commit is under way.

Usage: watched_worker.py FLAG-FILE [arguments of pyconnect]
"""

from __future__ import annotations

import mmap
import sys
from pathlib import Path
from typing import Any

from connectors_core.cli import main
from connectors_core.stores.embedded.slot import EmbeddedSlot


def watch(path: str) -> None:
    """Set the first byte of a file while a commit is under way, the second after the first one."""
    with Path(path).open("r+b") as file:
        flag = mmap.mmap(file.fileno(), 8)
    commit = EmbeddedSlot.commit

    def watched(self: EmbeddedSlot, transaction: Any) -> None:
        flag[0] = 1
        commit(self, transaction)
        flag[1] |= bool(transaction.rows)
        flag[0] = 0

    EmbeddedSlot.commit = watched  # type: ignore[method-assign]


if __name__ == "__main__":
    watch(sys.argv[1])
    sys.argv[1:2] = []
    main()
