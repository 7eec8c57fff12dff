"""Suggests the names that a wrong name may have meant."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import SequenceMatcher, get_close_matches

_MUCH = 0.1


def near(name: str, known: Iterable[str], cutoff: float = 0.6) -> list[str]:
    """Return up to three known names like this one, the nearest first.

    What is much less like it than the nearest is left out. `_`, `-` and `.` are one.
    """
    plain = {_plain(each): each for each in known}
    wanted = _plain(name[:200])
    found = get_close_matches(wanted, plain, n=3, cutoff=cutoff)
    if not found:
        return []
    least = SequenceMatcher(None, found[0], wanted).ratio() - _MUCH
    return [plain[each] for each in found if SequenceMatcher(None, each, wanted).ratio() >= least]


def _plain(name: str) -> str:
    return name.replace("_", ".").replace("-", ".").lower()


def did_you_mean(name: str, known: Iterable[str], otherwise: str) -> str:
    """Return the cure for an unknown name: the nearest ones, or what to do if there is none."""
    found = near(name, known)
    return f"Did you mean {' or '.join(found)}?" if found else otherwise
