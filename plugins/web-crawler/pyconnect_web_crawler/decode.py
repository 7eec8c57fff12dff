"""Content-Encoding, decoded in bounded steps: a small answer can't become a large memory."""

from __future__ import annotations

import zlib

STEP = 64 * 1024
ACCEPT = "gzip, deflate"


class BadEncoding(Exception):
    """An answer whose encoding is unknown, nested, damaged or cut off."""


class Decoder:
    """Turns raw bytes into the body, at most `limit` bytes of it.

    RFC 9110 8.4.1: gzip (also several members), deflate (with the zlib header, and raw as some
    servers send it), identity. `truncated` says that there was more than `limit`.
    """

    def __init__(self, encoding: str, limit: int) -> None:
        self.body = bytearray()
        self.truncated = False
        self._limit = limit
        self._encoding = encoding.strip().lower()
        self._inflate: zlib._Decompress | None = None
        if self._encoding not in {"", "identity", "gzip", "x-gzip", "deflate"}:
            raise BadEncoding(f"Content-Encoding {encoding[:60]!r} was not asked for")
        self._plain = self._encoding in {"", "identity"}

    def feed(self, raw: bytes) -> None:
        """Take the next raw bytes. Raises BadEncoding if they are damaged."""
        if self._plain:
            self._add(raw)
            return
        while raw and not self.truncated:
            if self._inflate is None:
                self._inflate = zlib.decompressobj(self._window(raw))
            try:
                self._add(self._inflate.decompress(raw, STEP))
            except zlib.error as error:
                raise BadEncoding(f"damaged {self._encoding}: {error}") from error
            raw = self._inflate.unconsumed_tail
            if self._inflate.eof:
                raw = self._after_end(self._inflate.unused_data)

    def finish(self) -> bytes:
        """Return the body. Raises BadEncoding if the compressed data ended too early."""
        while self._inflate is not None and not self.truncated and not self._inflate.eof:
            before = len(self.body)
            self._add(self._inflate.decompress(self._inflate.unconsumed_tail, STEP))
            if len(self.body) == before:
                raise BadEncoding(f"{self._encoding} data ends too early")
        return bytes(self.body)

    def _add(self, data: bytes) -> None:
        room = self._limit - len(self.body)
        self.truncated = self.truncated or len(data) > room
        self.body += data[:room]

    def _after_end(self, rest: bytes) -> bytes:
        """Go on with another gzip member; what else follows the end is padding."""
        if self._encoding == "deflate" or not rest.startswith(b"\x1f\x8b"):
            return b""
        self._inflate = None
        return rest

    def _window(self, start: bytes) -> int:
        if self._encoding != "deflate":
            return 16 + zlib.MAX_WBITS
        # RFC 1950 2.2: the first two bytes of a zlib header are a multiple of 31.
        framed = start[0] & 0x0F == 8 and (
            len(start) < 2 or int.from_bytes(start[:2], "big") % 31 == 0
        )
        return zlib.MAX_WBITS if framed else -zlib.MAX_WBITS


def gunzip(data: bytes, limit: int) -> bytes:
    """Return the content of a gzip file, at most `limit` bytes. Raises BadEncoding if damaged."""
    decoder = Decoder("gzip", limit)
    decoder.feed(data)
    return decoder.finish()
