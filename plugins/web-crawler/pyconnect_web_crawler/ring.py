"""The hosts of a crawl in the order in which they may be asked again. Kept in memory only."""

from __future__ import annotations

import heapq


class Ring:
    """Hosts by the time at which each has something to do; those in use are left out.

    So one slow host holds up no other, and a host is asked one thing at a time.
    """

    def __init__(self) -> None:
        self._at: dict[str, int | None] = {}
        self._heap: list[tuple[int, str]] = []
        self._busy: set[str] = set()

    def __len__(self) -> int:
        return len(self._at)

    def __contains__(self, host: object) -> bool:
        return host in self._at

    def hosts(self) -> list[str]:
        """List all hosts."""
        return list(self._at)

    def waiting(self) -> list[str]:
        """List the hosts that have something to do, now or later."""
        return [host for host, at in self._at.items() if at is not None]

    def put(self, host: str, at: int | None) -> None:
        """Set when a host has something to do; None: nothing."""
        if self._at.get(host) == at and host in self._at:
            return
        self._at[host] = at
        if at is not None and host not in self._busy:
            heapq.heappush(self._heap, (at, host))

    def take(self, now: int) -> str | None:
        """Return a host that has something to do by now, and leave it out until `free`."""
        at = self.next()
        if at is None or at > now:
            return None
        _, host = heapq.heappop(self._heap)
        self._busy.add(host)
        return host

    def free(self, host: str) -> None:
        """Take a host in again."""
        self._busy.discard(host)
        at = self._at.get(host)
        if at is not None:
            heapq.heappush(self._heap, (at, host))

    def next(self) -> int | None:
        """Return when the next host that is not in use has something to do; None: never."""
        while self._heap:
            at, host = self._heap[0]
            if host not in self._busy and self._at.get(host) == at:
                return at
            heapq.heappop(self._heap)
        return None
