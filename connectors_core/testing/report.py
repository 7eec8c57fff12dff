"""Reports of a contract: for programs, and as JUnit's XML, which CI servers read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any
from xml.etree import ElementTree

from connectors_core.testing.judge import Verdict
from connectors_core.testing.law import VERSION


@dataclass(frozen=True, slots=True)
class Report:
    """The verdicts on one contract of a plugin, with what a reader needs to trust them.

    `plugin_version` is that of the plugin's distribution, empty for a file.
    """

    plugin: str
    contract: str
    level: str
    capabilities: Sequence[str]
    verdicts: Sequence[Verdict]
    plugin_version: str = ""

    @property
    def passed(self) -> bool:
        """Whether no law failed and none was left unjudged."""
        return all(each.outcome not in ("failed", "not judged") for each in self.verdicts)


def as_json(reports: Sequence[Report], core_version: str) -> dict[str, Any]:
    """Return the result that a plugin can publish; `version` is the contract's."""
    return {
        "version": VERSION,
        "core_version": core_version,
        "passed": all(each.passed for each in reports),
        "contracts": [{**asdict(each), "passed": each.passed} for each in reports],
    }


def as_junit(reports: Sequence[Report]) -> bytes:
    """Return the same as JUnit's XML: a suite for each contract, a case for each law."""
    top = ElementTree.Element("testsuites", name=f"pyconnect contract {VERSION}")
    for report in reports:
        _suite(top, report)
    found: bytes = ElementTree.tostring(top, "utf-8", xml_declaration=True)
    return found


def _suite(top: ElementTree.Element, report: Report) -> None:
    outcomes = [each.outcome for each in report.verdicts]
    failures = outcomes.count("failed")
    suite = ElementTree.SubElement(
        top,
        "testsuite",
        name=f"{report.plugin}.{report.contract}",
        tests=str(len(outcomes)),
        failures=str(failures),
        skipped=str(len(outcomes) - failures - outcomes.count("passed")),
        time=f"{sum(each.seconds for each in report.verdicts):.3f}",
    )
    for verdict in report.verdicts:
        case = ElementTree.SubElement(
            suite,
            "testcase",
            classname=f"{report.plugin}.{report.contract}",
            name=verdict.law,
            time=f"{verdict.seconds:.3f}",
        )
        if verdict.outcome == "failed":
            ElementTree.SubElement(case, "failure", message=_clean(verdict.reason))
        elif verdict.outcome != "passed":
            said = _clean(f"{verdict.outcome}: {verdict.reason}")
            ElementTree.SubElement(case, "skipped", message=said)


def _clean(text: str) -> str:
    """Return text without what XML 1.0 can't hold (section 2.2)."""
    return "".join(each if each.isprintable() or each in "\n\t" else "\ufffd" for each in text)
