"""Weight: how much memory Python takes meanwhile."""

from __future__ import annotations

import tracemalloc


class Weight:
    """`with Weight() as weight:` has in `most` how many bytes were held at once, beside those before.

    Only what Python allocates is seen, which does not hang on what the system does with it.
    """

    def __init__(self) -> None:
        self.most = 0

    def __enter__(self) -> Weight:
        tracemalloc.start()
        self._before = tracemalloc.get_traced_memory()[0]
        return self

    def __exit__(self, *_: object) -> None:
        self.most = tracemalloc.get_traced_memory()[1] - self._before
        tracemalloc.stop()
