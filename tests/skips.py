"""Where nothing may be skipped, as in CI: what is skipped and not named fails the session.

PYCONNECT_MAY_SKIP names a file with one test a line, without its parameters; `#` begins a comment.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ALLOWED = "PYCONNECT_MAY_SKIP"
NOT_ASKED = "Skipped: contract: "
"""How a law begins to say that it has nothing to look at in a source."""


class Skips:
    """Collects what was skipped and may not be."""

    def __init__(self, allowed: Path) -> None:
        self.file = allowed
        lines = (line.partition("#")[0].strip() for line in allowed.read_text().splitlines())
        self.allowed = {line for line in lines if line}
        self.wrong: dict[str, str] = {}

    def note(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        """Hear of a test, or of a module that was skipped before its tests were known."""
        test = report.nodeid.partition("[")[0]
        if (
            report.outcome == "skipped"
            and not hasattr(report, "wasxfail")
            and test not in self.allowed
        ):
            where = report.longrepr
            reason = where[2] if isinstance(where, tuple) else str(where)
            if not reason.startswith(NOT_ASKED):
                self.wrong[test] = reason

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.note(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        self.note(report)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self.wrong and session.exitstatus in (0, pytest.ExitCode.NO_TESTS_COLLECTED):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        for test, reason in self.wrong.items():
            terminalreporter.write_line(
                f"{test}: skipped, and not named in {self.file}: {reason}", red=True
            )


def pytest_configure(config: pytest.Config) -> None:
    """Watch, if this is asked for."""
    if named := os.environ.get(ALLOWED):
        config.pluginmanager.register(Skips(Path(named)))
