from connectors_core.testing import SourceContract
from pyconnect_file_lines.source import FileLines
from pyconnect_file_lines.testing import Upstream


class Finished(Upstream):
    """A file that has its twenty lines and ends there."""

    def __init__(self) -> None:
        super().__init__(lines=20, interval=3600)

    def config(self) -> dict[str, object]:  # type: ignore[override]
        return {**super().config(), "follow": False}


class Growing(Upstream):
    """A file that may grow, and does not."""

    def __init__(self) -> None:
        super().__init__(lines=20, interval=3600)

    def config(self) -> dict[str, object]:  # type: ignore[override]
        return {**super().config(), "poll_interval": 0.05}


class TestFinishedFile(SourceContract):
    source = FileLines
    upstream = Finished
    capabilities = {"replayable", "ordered", "bounded"}


class TestGrowingFile(SourceContract):
    source = FileLines
    upstream = Growing
    capabilities = {"replayable", "ordered"}
