"""Redactor: keeps secrets out of errors, even where a service sends them back."""

from __future__ import annotations

from urllib.parse import urlsplit


class Redactor:
    """Replaces known secrets in text that comes from outside."""

    def __init__(self) -> None:
        self._secrets: set[str] = set()

    def learn(self, secret: str) -> None:
        """Hide this value from now on. Values below 4 characters would hide half of every text."""
        if len(secret) >= 4:
            self._secrets.add(secret)

    def clean(self, text: object, limit: int = 200) -> str:
        """Return the text without secrets, on one line, at most `limit` characters."""
        shown = str(text)
        for secret in sorted(self._secrets, key=len, reverse=True):
            shown = shown.replace(secret, "***")
        return " ".join(shown.split())[:limit]


def place(url: str) -> str:
    """Return scheme, host and path: user, password and query may be secret."""
    parts = urlsplit(url)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.hostname or ''}{port}{parts.path}"
