from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result

from connectors_core.cli.group import pyconnect
from connectors_core.testing.judge import Verdict
from connectors_core.testing.laws import LAWS
from connectors_core.testing.report import Report, as_json, as_junit
from connectors_core.testing.trial import Trial

PLUGIN = '''
from connectors_core import Config, Record, Source
from connectors_core.testing import SourceContract


class Numbers(Source[Config]):
    """Three numbers."""

    name = "three-numbers"

    async def read(self, partition, offset):
        for n in range(offset["n"] + 1 if offset else 1, 4):
            yield Record({"n": n}, offset={"n": OFFSET})


class Upstream:
    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        return None

    def config(self):
        return {}

    def expected(self):
        return [{"n": n} for n in range(1, 4)]


class Contract(SourceContract):
    source = Numbers
    upstream = Upstream
    capabilities = {"replayable", "ordered", "bounded"}
'''


def judged(folder: Path, *words: str, offset: str = "n", text: str = PLUGIN) -> Result:
    file = folder / "numbers.py"
    file.write_text(text.replace("OFFSET", offset))
    command = ["contract", "three-numbers", "--plugin", str(file), *words]
    return CliRunner().invoke(pyconnect, command, catch_exceptions=False)


def test_a_source_that_keeps_its_contract_ends_with_0(tmp_path: Path) -> None:
    result = judged(tmp_path, "--level", "basic")
    assert result.exit_code == 0
    first, *lines = result.stdout.splitlines()
    assert first == (
        "three-numbers, Contract: contract 1, level basic, able: bounded, ordered, replayable"
    )
    assert [line.split()[3].rstrip(":") for line in lines] == [law.name for law in LAWS]


def test_a_cluster_is_for_the_kills(tmp_path: Path) -> None:
    result = judged(tmp_path, "--kafka", "127.0.0.1:1")
    assert result.exit_code == 2
    assert result.stderr == "--kafka is for the kills. Add --level crash.\n"


@pytest.mark.slow
def test_a_cluster_that_does_not_answer_is_no_fault_of_the_source(tmp_path: Path) -> None:
    result = judged(tmp_path, "--level", "crash", "--kafka", "127.0.0.1:1")
    assert result.exit_code == 3
    assert result.stderr.startswith("127.0.0.1:1: no broker answered")
    assert not result.stdout


def test_a_broken_law_is_named_and_ends_with_1(tmp_path: Path) -> None:
    result = judged(tmp_path, "--level", "basic", offset="1")
    assert result.exit_code == 1
    assert (
        "failed      offsets_move: partition {}: two offsets in a row are {'n': 1}."
        in result.stdout
    )
    assert "the first is offsets_move." in result.stderr


@pytest.mark.slow
def test_child_processes_find_a_source_of_an_inline_file(tmp_path: Path) -> None:
    result = judged(tmp_path, "--level", "crash", "--shard", "1/20", "--json")
    assert result.exit_code == 0, result.output
    verdicts = {each["law"]: each for each in json.loads(result.stdout)["contracts"][0]["verdicts"]}
    assert verdicts["schemas_are_stable"]["outcome"] == "passed"
    assert verdicts["survives_a_kill_at_every_point"]["reason"].startswith("11 kills")


def test_programs_read_json_and_junit(tmp_path: Path) -> None:
    xml = tmp_path / "contract.xml"
    result = judged(tmp_path, "--level", "basic", "--json", "--junit", str(xml), offset="1")
    found = json.loads(result.stdout)
    assert (found["version"], found["passed"]) == ("1", False)
    assert [each["law"] for each in found["contracts"][0]["verdicts"]] == [law.name for law in LAWS]
    [suite] = ElementTree.parse(xml).getroot()
    assert suite.get("name") == "three-numbers.Contract"
    assert (suite.get("tests"), suite.get("failures")) == (str(len(LAWS)), "1")
    [failure] = suite.iter("failure")
    assert "two offsets in a row" in failure.get("message", "")


def test_a_report_survives_any_text() -> None:
    verdicts = [Verdict("a", "failed", "\x00\ud800 <&>"), Verdict("b", "not judged", "x")]
    report = Report("p", "C", "full", (), verdicts)
    [suite] = ElementTree.fromstring(as_junit([report]))
    assert suite.get("skipped") == "1"
    assert not report.passed
    assert as_json([report], "0.1")["passed"] is False


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (PLUGIN.partition("class Contract")[0], "there is no contract in _pyconnect_inline"),
        (
            PLUGIN.replace('    name = "th', '    testing = "nowhere"\n    name = "th'),
            "its `testing` module 'nowhere' can't be imported",
        ),
        (PLUGIN.replace('"ordered"', '"orderd"'), "unknown: 'orderd'. Did you mean ordered?"),
    ],
)
def test_what_is_no_contract_is_told_with_its_cure(tmp_path: Path, text: str, said: str) -> None:
    result = judged(tmp_path, text=text)
    assert result.exit_code == 2
    assert said in result.stderr


def test_a_shard_is_a_part_of_some(tmp_path: Path) -> None:
    result = judged(tmp_path, "--shard", "3/2")
    assert result.exit_code == 2
    assert "Write 1/4 for the first of four." in result.stderr


def test_offsets_of_a_release_are_written_once_and_read_by_the_next(tmp_path: Path) -> None:
    folder = tmp_path / "offsets"
    folder.mkdir()
    words = ("--write-offsets", str(folder / "1.0.0.json"))
    assert judged(tmp_path, *words).exit_code == 0
    assert json.loads((folder / "1.0.0.json").read_text()) == {
        "release": "1.0.0",
        "positions": [{"offset": {"n": 1}, "state": {}}],
        "left": ['{"n": 2}', '{"n": 3}'],
    }
    again = judged(tmp_path, *words)
    assert again.exit_code == 2
    assert "Offsets of a release do not change: name another file." in again.stderr
    text = (
        PLUGIN + "    from pathlib import Path\n    offsets = Path(__file__).parent / 'offsets'\n"
    )
    verdicts = json.loads(judged(tmp_path, "--json", text=text).stdout)["contracts"][0]["verdicts"]
    [verdict] = [each for each in verdicts if each["law"] == "accepts_older_offsets"]
    assert verdict["outcome"] == "passed"


def test_offsets_that_promise_nothing_are_not_written(tmp_path: Path) -> None:
    text = PLUGIN.replace('"replayable", ', "")
    result = judged(tmp_path, "--write-offsets", str(tmp_path / "1.json"), text=text)
    assert result.exit_code == 2
    assert "no contract of this source is replayable" in result.stderr


@pytest.mark.parametrize("words", [(), ("--write-offsets", "1.json")])
def test_a_shard_without_kills_is_refused(tmp_path: Path, words: tuple[str, ...]) -> None:
    result = judged(tmp_path, "--shard", "1/2", *words)
    assert result.exit_code == 2
    assert "--shard is of the kills. Add --level crash." in result.stderr


def test_offsets_of_a_source_that_stalls_end_in_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(Trial.read.__kwdefaults__, "stall", 0.5)  # type: ignore[arg-type]
    text = PLUGIN.replace("range(1, 4)]", "range(1, 6)]").replace(', "bounded"', "")
    text = text.replace('{"n": OFFSET})', '{"n": OFFSET})\n        await Event().wait()')
    file = tmp_path / "1.json"
    result = judged(
        tmp_path, "--write-offsets", str(file), text="from asyncio import Event\n" + text
    )
    assert result.exit_code == 1
    assert "no offsets, because the source breaks its contract" in result.stderr
    assert not file.exists()


def test_offsets_are_of_one_contract_that_is_named(tmp_path: Path) -> None:
    text = PLUGIN + "\n\nclass Other(Contract):\n    pass\n"
    file = tmp_path / "1.json"
    result = judged(tmp_path, "--write-offsets", str(file), text=text)
    assert result.exit_code == 2
    assert "replayable: Contract, Other. Name one with --contract." in result.stderr
    result = judged(tmp_path, "--write-offsets", str(file), "--contract", "Others", text=text)
    assert "--contract: there is no Others. There are: Contract, Other." in result.stderr
    assert not file.exists()
    result = judged(tmp_path, "--write-offsets", str(file), "--contract", "Other", text=text)
    assert result.exit_code == 0
    assert "offsets of Other" in result.stderr


def test_offsets_behind_which_nothing_is_left_are_not_written(tmp_path: Path) -> None:
    file = tmp_path / "1.json"
    result = judged(tmp_path, "--write-offsets", str(file), text=PLUGIN.replace("4", "2"))
    assert result.exit_code == 2
    assert "nothing is left to read behind these offsets" in result.stderr
    assert not file.exists()


def test_one_broken_law_is_one_and_waived_laws_are_counted_apart(tmp_path: Path) -> None:
    result = judged(tmp_path, "--level", "basic", offset="1")
    assert " laws is broken;" in result.stderr
    waiving = PLUGIN + '    waive = {"offsets_move": "they stand still"}\n'
    result = judged(tmp_path, "--level", "basic", text=waiving)
    assert ", 1 waived, " in result.stderr


def test_json_tells_the_versions_of_plugin_and_core() -> None:
    command = ["contract", "file-lines", "--level", "basic", "--json"]
    found = json.loads(CliRunner().invoke(pyconnect, command, catch_exceptions=False).stdout)
    assert found["core_version"] == version("connectors-core")
    assert found["contracts"][0]["plugin_version"] == version("pyconnect-file-lines")


def test_the_json_is_all_of_stdout_though_the_plugin_prints(tmp_path: Path) -> None:
    text = PLUGIN.replace(
        "        for n in range", "        print('here I am')\n        for n in range"
    )
    result = judged(tmp_path, "--level", "basic", "--json", text=text)
    assert json.loads(result.stdout)["passed"] is True
    assert "here I am" in result.stderr
