"""`pyconnect promote` on a real broker: all that the log has is there once, whatever was killed."""

from __future__ import annotations

import hashlib
import json
import os
import random
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient

from connectors_core.api.store import Row, SchemaRow, TopicSpec, Transaction
from connectors_core.app.promotion import copying, handover, ledger
from connectors_core.app.promotion.inspection import state_digest
from connectors_core.app.promotion.ledger import Segment, TopicPartition
from connectors_core.app.promotion.plan import Work
from connectors_core.app.promotion.proof import Prover
from connectors_core.app.promotion.source import SourceLog
from connectors_core.app.promotion.survey import survey
from connectors_core.app.promotion.target import Target
from connectors_core.cli.group import pyconnect
from connectors_core.configs.worker.place import KafkaPlace
from connectors_core.stores.embedded import FILE_NAME, EmbeddedStore
from connectors_core.stores.kafka import KafkaStore
from tests.kafka.topic import create, unique

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

CALL = [sys.executable, "-c", "from connectors_core.cli import main; main()"]
NOW = int(time.time() * 1000)
PARTITION = '{"path":"a"}'


class Site:
    """A data directory with a log, a cluster, and what the two hold."""

    def __init__(self, kafka: str, folder: Path) -> None:
        self.kafka = kafka
        self.folder = folder
        self.data_dir = folder / "pyconnect-data"
        self.path = self.data_dir / FILE_NAME
        self.topic = unique("promoted")
        self.connector = unique("mover")

    def commit(self, transaction: Transaction, *specs: TopicSpec) -> None:
        """Write to the log, as a run does."""
        with closing(EmbeddedStore(self.path)) as store:
            store.ensure_topics(specs)
            store.acquire(store.slot_name("any")).commit(transaction)

    def rows(self, rows: list[Row], topic: str = "", partition: int = 0) -> None:
        self.commit(Transaction(rows={(topic or self.topic, partition): rows}))

    def offset(self, number: int, state: dict[str, str | None] | None = None) -> None:
        place = (self.connector, PARTITION)
        self.commit(Transaction({}, {place: f'{{"n":{number}}}'}, {place: state} if state else {}))

    def words(self, *more: str) -> list[str]:
        return ["promote", "--to", "kafka", "--kafka", self.kafka, *more]

    def call(self, *words: str, exit_code: int = 0) -> Result:
        found = CliRunner().invoke(pyconnect, words, catch_exceptions=False)
        assert found.exit_code == exit_code, found.output
        return found

    def promote(self, *more: str, exit_code: int = 0) -> Result:
        return self.call(*self.words(*more), exit_code=exit_code)

    def report(self, *more: str, exit_code: int = 0) -> Any:
        return json.loads(self.promote("--json", *more, exit_code=exit_code).stdout)

    def process(self, crash: str = "", seconds: float | None = None) -> int:
        """Promote in a process of its own, killed at a point or after some time; its exit code."""
        environ = {**os.environ, **({"PYCONNECT_CRASH": crash} if crash else {})}
        said = self.folder / "stderr"
        with said.open("wb") as err:
            child = subprocess.Popen(
                [*CALL, *self.words()],
                cwd=self.folder,
                env=environ,
                stdout=subprocess.DEVNULL,
                stderr=err,
            )
            with suppress(subprocess.TimeoutExpired):
                child.wait(timeout=seconds)
            child.kill()
            code = child.wait()
        assert code in (0, -9), said.read_text()
        return code

    def target(self) -> Target:
        return Target(
            KafkaPlace(
                {"bootstrap.servers": self.kafka},
                "a test",
                "pyconnect-offsets",
                "pyconnect-claims",
                "pyconnect-schemas",
                60_000,
            )
        )

    def on_kafka(self, topic: str = "") -> dict[int, list[Row]]:
        """Return the committed records of a topic by partition."""
        name = topic or self.topic
        with self.target() as target:
            return {
                number: [_row(record) for record in target.records(name, number, *bounds)]
                for number, bounds in target.bounds(name).items()
            }

    def in_log(self, topic: str = "") -> dict[int, list[Row]]:
        name = topic or self.topic
        with SourceLog(self.path) as source:
            return {
                number: [_row(record) for record in source.records(name, number, *bounds)]
                for number, bounds in source.bounds(name).items()
            }

    def offsets(self) -> dict[str, str]:
        """Return the connector's offsets on Kafka."""
        with self.target() as target:
            return target.offsets().get(self.connector, {})

    def produce(self, *values: bytes, topic: str = "") -> None:
        """Write as somebody else does."""
        producer = Producer({"bootstrap.servers": self.kafka, "log_level": 0})
        for value in values:
            producer.produce(topic or self.topic, value)
        assert producer.flush(30) == 0

    def delete_topic(self) -> None:
        client = AdminClient({"bootstrap.servers": self.kafka, "log_level": 0})
        client.delete_topics([self.topic])[self.topic].result(30)
        deadline = time.monotonic() + 60
        while self.topic in client.list_topics(timeout=10).topics:
            assert time.monotonic() < deadline, "the broker still has it"
            time.sleep(0.05)


@pytest.fixture
def site(kafka: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    monkeypatch.chdir(tmp_path)
    return Site(kafka, tmp_path)


@pytest.fixture
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Transactions of few records, so that little data needs many."""
    monkeypatch.setattr(copying, "RECORDS", 7)
    monkeypatch.setattr(handover, "CHANGES", 3)


class _Unheard:
    """Where nobody looks."""

    def warn(self, text: str) -> None:
        raise AssertionError(text)

    def at(self, phase: str, done: int, total: int) -> None:
        assert done <= total


def _row(record: Any) -> Row:
    return record.key, record.value, record.timestamp, record.headers


def values(count: int, first: int = 0) -> list[Row]:
    return [(None, b"%d" % number, NOW + number, ()) for number in range(first, first + count)]


def numbers(rows: list[Row]) -> list[int]:
    return [int(row[1] or b"-1") for row in rows]


VARIED: list[Row] = [
    (None, b"no key", NOW - 5, ()),
    (b"", b"empty key", NOW - 9, (("id", b"1"), ("id", b""), ("이름", b"\x00\xff"))),
    (b"k", None, NOW - 3, ()),
    (b"k", b"", 1_700_000_000_000, (("h", b"x" * 70_000),)),
    (b"\x00\xff", b"y" * 200_000, 1, ()),
]


def test_all_that_the_log_has_is_on_kafka_as_it_was(site: Site, small_steps: None) -> None:
    """Records, the number of partitions, settings, schemas, offsets, keyed state."""
    spec = TopicSpec(site.topic, 4, settings={"retention.ms": "-1", "segment.bytes": "20000000"})
    rows = {(site.topic, 0): values(30), (site.topic, 2): VARIED, (site.topic, 3): values(1)}
    schema = SchemaRow(f"{site.topic}-value", 1, random.getrandbits(31), '{"type":"string"}')
    place, other = (site.connector, PARTITION), (site.connector, "{}")
    state: dict[str, str | None] = {f"k{number}": f"[{number}]" for number in range(10)}
    site.commit(
        Transaction(rows, {place: '{"n":30}'}, {place: state, other: {"é": '"x"'}}, [schema]), spec
    )
    before = hashlib.sha256(site.path.read_bytes()).hexdigest()
    report = site.report()
    assert report["holds"] and report["warnings"] == []
    assert [each["copied"] for each in report["partitions"]] == [30, 0, 5, 1]
    assert site.on_kafka() == site.in_log()
    assert site.on_kafka()[2] == VARIED
    assert site.offsets() == {PARTITION: '{"n":30}'}
    with site.target() as target, SourceLog(site.path) as source:
        assert schema in target.schemas()
        assert state_digest(target, site.connector) == source.state_digest(site.connector)
        assert target.limits(site.topic).retention_ms == -1
    assert hashlib.sha256(site.path.read_bytes()).hexdigest() == before


def test_a_second_time_nothing_is_moved(site: Site) -> None:
    site.rows(values(10))
    site.offset(10, {"a": "1"})
    site.promote()
    with site.target() as target:
        ends = target.bounds(site.topic)
    report = site.report()
    assert [each["copied"] for each in report["partitions"]] == [0]
    assert [each["action"] for each in report["connectors"]] == ["moved before"]
    with site.target() as target:
        assert target.bounds(site.topic) == ends


class Large:
    """A log whose promotion takes five transactions of records and three of state."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.other = unique("other")
        rows = {(site.topic, number): values(15_000 + number) for number in range(3)}
        state: dict[str, str | None] = {f"key {number}": f"{number}" for number in range(12_000)}
        place = (site.connector, PARTITION)
        site.commit(
            Transaction({**rows, (self.other, 0): VARIED}, {place: '{"n":1}'}, {place: state}),
            TopicSpec(site.topic, 3),
        )

    def require_all(self) -> None:
        """Look that everything is on Kafka once."""
        assert {n: numbers(found) for n, found in self.site.on_kafka().items()} == {
            n: list(range(15_000 + n)) for n in range(3)
        }
        assert self.site.on_kafka(self.other) == {0: VARIED}
        assert self.site.offsets() == {PARTITION: '{"n":1}'}
        with self.site.target() as target, SourceLog(self.site.path) as source:
            wanted = source.state_digest(self.site.connector)
            assert state_digest(target, self.site.connector) == wanted


@pytest.mark.chaos
def test_killed_at_any_point_the_next_one_goes_on_and_nothing_is_lost_or_doubled(
    site: Site,
) -> None:
    log = Large(site)
    for point in ("write:1", "committed:1", "commit:1", "offset:2", "committed:2", "begin:2"):
        assert site.process(point) == -9, f"nothing was killed at {point}"
    assert site.offsets() == {}, "offsets moved before all records were there"
    for point in ("committed:2", "commit:2", "commit:3", "committed:1"):  # compared; half the state
        assert site.process(point) == -9, f"nothing was killed at {point}"
    assert site.offsets() == {}, "offsets moved before all state was there"
    assert site.process() == 0
    log.require_all()


@pytest.mark.chaos
def test_killed_at_random_times_the_next_one_goes_on_and_nothing_is_lost_or_doubled(
    site: Site,
) -> None:
    log = Large(site)
    generator = random.Random(os.environ.get("PYCONNECT_SEED", "promote"))
    killed = [site.process(seconds=generator.uniform(0.6, 2.5)) for _ in range(6)]
    assert -9 in killed
    assert site.process() == 0
    log.require_all()


def test_a_connector_goes_on_on_kafka_behind_the_last_line_that_the_log_has(site: Site) -> None:
    name = site.connector
    Path("lines.txt").write_text("".join(f"{number}\n" for number in range(500)))
    Path("lines.yaml").write_text(
        f"name: {name}\nconnector.class: file-lines\npath: lines.txt\nfollow: false\n"
        "value.converter: string\n"
    )
    site.call("run", "lines.yaml")
    site.promote()
    with Path("lines.txt").open("a") as file:
        file.write("".join(f"{number}\n" for number in range(500, 700)))
    site.call("run", "lines.yaml", "--kafka", site.kafka)
    assert numbers(site.on_kafka(name)[0]) == list(range(700))
    report = site.report()
    assert report["connectors"][0]["note"] == "has gone on on Kafka since"
    assert report["partitions"][0]["holds"]


SEEN = '''
from connectors_core import Batch, Config, Record, Source, hookimpl
from pydantic import Field


class SeenConfig(Config):
    upto: int = Field(0, description="Where it ends.")


class Seen(Source[SeenConfig]):
    """Gives each number once, and knows which by keyed state alone."""

    name = "seen"

    async def read(self, partition, offset):
        state = self.context.state(partition)
        for number in range(self.config.upto):
            if state.get(f"n{number}") is None:
                yield Batch([Record(str(number))], {"n": number}, {f"n{number}": True})


@hookimpl
def pyconnect_sources():
    return [Seen]
'''


def test_a_connector_with_keyed_state_goes_on_on_kafka_where_it_was(site: Site) -> None:
    Path("seen.py").write_text(SEEN)
    run = ("run", "seen.yaml", "--plugin", "seen.py")

    def until(number: int, *more: str) -> None:
        Path("seen.yaml").write_text(
            f"name: {site.connector}\nconnector.class: seen\nupto: {number}\n"
            "value.converter: string\n"
        )
        site.call(*run, *more)

    until(40)
    site.promote()
    until(60, "--kafka", site.kafka)
    assert numbers(site.on_kafka(site.connector)[0]) == list(range(60))


def test_a_log_that_a_worker_has_is_left_alone(site: Site) -> None:
    site.rows(values(3))
    with closing(EmbeddedStore(site.path)):
        found = site.promote(exit_code=3)
    assert "in use by process" in found.stderr
    with site.target() as target:
        assert target.partitions(site.topic) == 0


def test_a_dry_run_says_what_would_be_copied_and_changes_nothing(site: Site) -> None:
    site.rows(values(5))
    site.offset(5)
    with site.target() as target:
        before = target.offsets(), target.bounds("pyconnect-claims")
    report = site.report("--dry-run")
    assert [each["action"] for each in report["connectors"]] == ["to move"]
    assert report["plan"] == [{"topic": site.topic, "partition": 0, "log_records": 5, "to_copy": 5}]
    with site.target() as target:
        assert target.partitions(site.topic) == 0
        assert (target.offsets(), target.bounds("pyconnect-claims")) == before


def test_records_of_others_are_written_behind_only_if_that_is_asked_for(site: Site) -> None:
    create(site.kafka, site.topic)
    site.produce(b"900", b"901")
    site.rows(values(3))
    site.offset(3)
    assert "--append" in site.promote(exit_code=2).stderr
    assert site.offsets() == {}
    site.promote("--append")
    assert numbers(site.on_kafka()[0]) == [900, 901, 0, 1, 2]
    site.produce(b"902")
    site.promote()
    site.rows(values(1, first=3))
    assert "have written to the topic" in site.promote(exit_code=2).stderr
    site.promote("--append", "--topic", site.topic)
    assert numbers(site.on_kafka()[0]) == [900, 901, 0, 1, 2, 902, 3]


def test_a_log_that_has_grown_is_promoted_behind_what_is_there(site: Site) -> None:
    site.rows(values(3))
    site.offset(3, {"a": "1", "b": "2"})
    site.promote()
    site.rows(values(2, first=3))
    site.offset(5, {"a": None, "c": "3"})
    report = site.report()
    assert report["partitions"][0]["copied"] == 2
    assert report["connectors"][0]["action"] == "moved"
    assert numbers(site.on_kafka()[0]) == [0, 1, 2, 3, 4]
    assert site.offsets() == {PARTITION: '{"n":5}'}
    with site.target() as target, SourceLog(site.path) as source:
        assert state_digest(target, site.connector) == source.state_digest(site.connector)


def test_a_connector_that_has_gone_on_there_is_never_thrown_back(site: Site) -> None:
    """Unless that is asked for: `replace`. `keep` leaves it."""
    site.rows(values(3))
    site.offset(3)
    move = ("offsets", "set", site.connector, PARTITION, "--yes", "--kafka", site.kafka)
    site.promote()
    site.call(*move[:4], '{"n":77}', *move[4:])
    site.promote()  # the log says nothing new
    site.rows(values(1, first=3))
    site.offset(4)
    said = site.promote(exit_code=2).stderr
    assert '{"path":"a"} is at {"n":77} on Kafka, and at {"n":4} here' in said
    assert "--existing-offsets keep" in said
    assert len(site.on_kafka()[0]) == 3, "moved before it was refused"
    assert site.report("--existing-offsets", "keep")["connectors"][0]["action"] == "kept"
    assert site.offsets() == {PARTITION: '{"n":77}'}
    site.promote("--existing-offsets", "replace")
    assert site.offsets() == {PARTITION: '{"n":4}'}


def test_what_is_not_as_in_the_log_is_said_and_no_connector_is_handed_over(site: Site) -> None:
    """Somebody writes to the topic between two attempts."""
    site.rows(values(10_500))
    site.offset(1)
    assert site.process("committed:1") == -9
    site.produce(b"-7")
    found = site.promote(exit_code=1)
    assert "DIFFERS" in found.stdout and "others have written" in found.stdout
    assert site.offsets() == {}


def test_as_many_records_that_are_others_are_told_from_those_of_the_log(site: Site) -> None:
    create(site.kafka, site.topic)
    site.produce(b"0", b"1", b"-2")
    site.rows(values(3))
    partition = TopicPartition(site.topic, 0)
    with SourceLog(site.path) as source, site.target() as target:
        seen = survey(source, partition, (0, 0, 3), False, lambda: None)
        begun = Segment(target.identity(site.topic), 0, 0, 0, None, "", timed=False)
        store = KafkaStore(target.settings, site.data_dir)
        slot = store.acquire(store.slot_name(ledger.CONNECTOR))
        (proof,) = Prover(target, slot, _Unheard()).prove([Work(partition, begun, seen)])
        slot.release()
        store.close()
    assert (proof.log_records, proof.kafka_records, proof.holds) == (3, 3, False)
    assert proof.log_checksum != proof.kafka_checksum


def test_a_topic_that_was_deleted_is_copied_anew(site: Site) -> None:
    site.rows(values(3))
    site.promote()
    site.delete_topic()
    site.promote()
    assert numbers(site.on_kafka()[0]) == [0, 1, 2]


def test_only_what_is_named_is_moved(site: Site) -> None:
    other = unique("other")
    site.rows(values(2))
    site.rows(values(2), topic=other)
    site.offset(2)
    site.promote("--topic", other, "--partitions", f"{other}=3")
    assert [len(rows) for rows in site.on_kafka(other).values()] == [2, 0, 0]
    assert site.offsets() == {}
    with site.target() as target:
        assert target.partitions(site.topic) == 0
    site.promote("--topic", site.topic, "--connector", site.connector)
    assert site.offsets() == {PARTITION: '{"n":2}'}
    assert "Did you mean" in site.promote("--connector", site.connector[:-1], exit_code=2).stderr


@pytest.mark.parametrize(
    ("row", "settings", "said"),
    [
        ((b"k", b"x" * 30_000, NOW, ()), {"max_message_bytes": 20_000}, "max.message.bytes=31025"),
        ((None, b"x", NOW, ()), {"cleanup_policy": "compact"}, "has no key"),
        ((b"k", b"x", 0, ()), {}, "is stamped 0"),
        ((b"k", b"x", NOW + 10**9, ()), {}, "ahead of its clock"),
        (
            (b"k", b"x", NOW - 10**7, ()),
            {"message_timestamp_before_max_ms": 10**6},
            "is older than",
        ),
    ],
    ids=["too large", "no key", "1970", "future", "past"],
)
def test_what_the_brokers_would_refuse_is_said_before_anything_is_moved(
    site: Site, row: Row, settings: dict[str, Any], said: str
) -> None:
    create(site.kafka, site.topic, **settings)
    site.rows([(b"k", b"good", NOW, ()), row])
    site.offset(2)
    found = site.promote(exit_code=2).stderr
    assert said in found and "offset 1" in found
    assert site.on_kafka() == {0: []}
    assert site.offsets() == {}


def test_times_that_kafka_refuses_are_its_own_where_the_brokers_stamp(site: Site) -> None:
    create(site.kafka, site.topic, message_timestamp_type="LogAppendTime")
    site.rows([(None, b"1", 0, ()), (None, b"2", NOW + 10**10, ())])
    site.promote()
    assert numbers(site.on_kafka()[0]) == [1, 2]


def test_records_that_would_expire_are_warned_of(site: Site) -> None:
    create(site.kafka, site.topic, retention_ms=10**8)
    site.rows([(None, b"1", NOW - 10**9, ())])
    found = site.report()
    assert "retention.ms=-1" in found["warnings"][0]


def test_a_topic_with_fewer_partitions_is_refused(site: Site) -> None:
    create(site.kafka, site.topic)
    site.commit(Transaction(rows={(site.topic, 1): values(1)}), TopicSpec(site.topic, 2))
    assert "--partitions 2" in site.promote(exit_code=2).stderr


def test_a_schema_whose_id_is_another_schema_there_is_refused(site: Site, tmp_path: Path) -> None:
    number = random.getrandbits(31)
    site.commit(Transaction(schemas=[SchemaRow("a-value", 1, number, '"string"')]))
    site.promote()
    other = Site(site.kafka, tmp_path / "other")
    other.commit(Transaction(schemas=[SchemaRow("b-value", 1, number, '"long"')]))
    found = other.promote("--data-dir", str(other.data_dir), exit_code=2)
    assert "another schema" in found.stderr


def half_copied(site: Site) -> None:
    """Promote 10,000 records of 12,000, of which the log then loses 6,000."""
    for first in (0, 6_000):
        site.rows(values(6_000, first=first))
    assert site.process("committed:1") == -9
    with closing(sqlite3.connect(site.path)) as log, log:
        log.execute("DELETE FROM batch WHERE base < 6000")
    assert len(site.in_log()[0]) == 6_000


def test_a_half_copied_log_that_lost_its_start_since_goes_on(site: Site) -> None:
    """What retention took of the log is on Kafka already."""
    half_copied(site)
    site.promote()
    site.promote()
    assert numbers(site.on_kafka()[0]) == list(range(12_000))


def test_what_the_log_has_lost_since_is_compared_by_what_is_remembered(site: Site) -> None:
    half_copied(site)
    site.produce(b"-7")
    assert "others have written" in site.promote(exit_code=1).stderr
