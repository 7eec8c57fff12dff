"""Refusal: what an HTTP status that is no success means for a source."""

from __future__ import annotations

import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from urllib.parse import urljoin, urlsplit

from connectors_core.api.errors import ConfigError, Retry

LONGEST = 86_400.0
_PASSING = {408, 425, 429}
_TOKEN, _URL = "Check `token`, and what it may read.", "Check `url`: there is nothing there."
_CURES: Mapping[int, str] = {401: _TOKEN, 403: _TOKEN, 404: _URL, 410: _URL}
_OTHERS = "Look up in the service's documentation what it does not like, and mend the file."


def refusal(asked: str, status: int, headers: Mapping[str, str]) -> Retry | ConfigError:
    """Return what to raise for a status that `asked`, a URL, was answered with.

    Retry for what passes: 408, 425, 429, 5xx. ConfigError for what waiting does not mend; a redirect
    is not followed, for headers that may be secret would go along.
    """
    where = place(asked)
    if 300 <= status < 400:
        said = f"HTTP {status}: it has moved. {_moved(asked, headers.get('Location'))}"
        return ConfigError(said, code="config.refused", place=where)
    if status not in _PASSING and status < 500:
        cure = _CURES.get(status, _OTHERS)
        return ConfigError(f"HTTP {status}. {cure}", code="config.refused", place=where)
    wait = retry_after(headers.get("Retry-After"))
    said = "" if wait is None else f", and a wait of {wait:g} s is asked for"
    code = "retry.throttled" if status == 429 or wait is not None else "retry.upstream"
    return Retry(f"{where}: HTTP {status}{said}.", after=wait, code=code)


def _moved(asked: str, location: str | None) -> str:
    try:
        to = place(urljoin(asked, location)) if location else ""
    except ValueError:  # it is no URL
        to = ""
    return f"If {one_line(to)} is to be trusted, write it as `url`." if to else _OTHERS


def retry_after(text: str | None, *, now: float | None = None) -> float | None:
    """Return the seconds of a Retry-After (RFC 9110 10.2.3: seconds or a date), up to a day.

    None if there is none, and for 0 or a moment that has passed by this clock: the back-off waits.
    """
    said = (text or "").strip()
    try:
        if said.isascii() and said.isdigit():
            seconds = float(said)
        else:
            moment = time.time() if now is None else now
            seconds = parsedate_to_datetime(said).timestamp() - moment
    except (ValueError, TypeError, OverflowError):
        return None
    return min(seconds, LONGEST) if seconds > 0 else None


def place(url: str) -> str:
    """Return scheme, host and path: user, password and query may be secret."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def one_line(text: object, secret: str = "") -> str:
    """Return what the far side or a library said: on one line, without the secret, at most 200
    characters."""
    said = str(text).replace(secret, "***") if secret else str(text)
    return "".join(each if each.isprintable() else " " for each in said)[:200].strip()
