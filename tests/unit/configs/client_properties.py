"""Every property of the installed librdkafka, as the library itself lists them."""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import NamedTuple

import confluent_kafka


class Property(NamedTuple):
    """A row of the library's own CONFIGURATION.md."""

    name: str
    range: str
    default: str
    code: bool
    """Whether it takes a function or an object, not text."""

    def sample(self) -> str:
        """Return a value that the library takes, whatever it means."""
        if self.name == "builtin.features":
            return "ssl"  # of its default, this build may lack some
        words = self.range.split(",")
        low = self.range.partition("..")[0].strip()
        return low if ".." in self.range else words[0].strip() or self.default or "x"


def properties(scratch: Path) -> list[Property]:
    """Return what `rd_kafka_conf_properties_show` prints; `scratch` is a file to print into."""
    package = Path(confluent_kafka.__file__).parent
    found = [*(package.parent / "confluent_kafka.libs").glob("librdkafka*"), *package.glob("*.so")]
    _print(ctypes.CDLL(str(found[0])), scratch)
    rows = [line.split("|") for line in scratch.read_text().splitlines() if line.count("|") >= 5]
    cells = [[cell.strip() for cell in row] for row in rows if not row[0].startswith(("Prop", "-"))]
    return [Property(row[0], row[2], row[3], "see dedicated API" in row[5]) for row in cells]


def _print(library: ctypes.CDLL, scratch: Path) -> None:
    libc = ctypes.CDLL(None)
    libc.fopen.restype = ctypes.c_void_p
    libc.fopen.argtypes = [ctypes.c_char_p, ctypes.c_char_p]
    libc.fclose.argtypes = [ctypes.c_void_p]
    library.rd_kafka_conf_properties_show.argtypes = [ctypes.c_void_p]
    file = libc.fopen(str(scratch).encode(), b"w")
    library.rd_kafka_conf_properties_show(file)
    libc.fclose(file)
