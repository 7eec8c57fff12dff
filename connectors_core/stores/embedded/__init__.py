"""The embedded log: one SQLite file that records, offsets and keyed state share a commit in."""

from connectors_core.stores.embedded.reader import EmbeddedReader
from connectors_core.stores.embedded.store import EmbeddedStore

FILE_NAME = "log.db"
"""The name of the log inside a data directory."""

__all__ = ["FILE_NAME", "EmbeddedReader", "EmbeddedStore"]
