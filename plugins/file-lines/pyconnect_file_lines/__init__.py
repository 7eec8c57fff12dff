"""pyconnect-file-lines: the lines of a text file as it grows."""

from connectors_core import hookimpl
from pyconnect_file_lines.source import FileLines, Options

__all__ = ["FileLines", "Options", "pyconnect_sources"]


@hookimpl
def pyconnect_sources() -> list[type[FileLines]]:
    """Bring the one source of this package."""
    return [FileLines]
