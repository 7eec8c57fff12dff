"""`pyconnect promote`: the order of things, which is the guarantee.

Look at everything, refuse what can't be done; schemas; records, each with how far they are; compare;
and only when all records are there, what lets connectors go on from behind them. Killed anywhere,
the next one goes on from what the cluster has committed.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

from connectors_core.api.errors import ConfigError
from connectors_core.api.store import Slot, Store, Transaction
from connectors_core.app.promotion import ledger
from connectors_core.app.promotion.copying import Copier
from connectors_core.app.promotion.handover import Action, Existing, decide, hand_over, wanted_of
from connectors_core.app.promotion.inspection import inspect
from connectors_core.app.promotion.ledger import TopicPartition
from connectors_core.app.promotion.plan import Planner, Work, chosen, wanted
from connectors_core.app.promotion.proof import Prover, lost
from connectors_core.app.promotion.report import ConnectorProof, Progress, Report, TopicPlan
from connectors_core.app.promotion.schemas import missing
from connectors_core.app.promotion.source import SourceLog
from connectors_core.app.promotion.target import Target
from connectors_core.app.storage import owned_store
from connectors_core.configs.worker.place import KafkaPlace, LogPlace
from connectors_core.runtime import crash
from connectors_core.stores.embedded import FILE_NAME
from connectors_core.stores.names import unknown_connector


@dataclass(frozen=True, slots=True)
class Order:
    """What to promote. Without names, everything; with `topics` alone, no connector.

    `partitions` says by topic how many a new one gets, if not as many as here. `append` allows
    topics that have records of others. `existing` says what becomes of a connector that has
    offsets on Kafka.
    """

    place: LogPlace
    connectors: Sequence[str] = ()
    topics: Sequence[str] = ()
    partitions: Mapping[str, int] = field(default_factory=dict)
    existing: Existing = "refuse"
    append: bool = False
    dry_run: bool = False


def promote(order: Order, progress: Progress) -> Report:
    """Copy a log to Kafka and hand its connectors over. Blocking; can be killed and called again.

    Raises ConfigError with all that is in the way before anything is moved, StoreError if the log
    is in use or the cluster can't be reached, FencedError if another promotion has begun. What does
    not compare is in the report, and then no connector is handed over.
    """
    if armed := os.environ.get("PYCONNECT_CRASH"):
        crash.arm(armed)
    kafka = _cluster(order.place)
    with ExitStack() as stack:
        source = stack.enter_context(SourceLog(order.place.data_dir / FILE_NAME))
        target = stack.enter_context(Target(kafka))
        if order.dry_run:
            return _Promotion(order, source, target, progress).plan()
        store = stack.enter_context(owned_store(order.place))
        # Fences whatever else promotes, so that its transactions are over.
        slot = store.acquire(store.slot_name(ledger.CONNECTOR))
        stack.callback(slot.release)
        return _Promotion(order, source, target, progress).carry_out(store, slot)


def _cluster(place: LogPlace) -> KafkaPlace:
    if place.kafka is None:
        raise ConfigError(
            "no cluster is named. Add --kafka HOST:PORT,..., or --worker FILE.",
            code="config.kafka",
            place="promote",
        )
    return place.kafka


class _Promotion:
    def __init__(self, order: Order, source: SourceLog, target: Target, progress: Progress) -> None:
        self._order = order
        self._source = source
        self._target = target
        self._progress = _Heard(progress)
        self._topics = chosen(source, order.topics)
        self._specs = wanted(self._topics, order.partitions)
        self._connectors = _chosen_connectors(source, order)

    def plan(self) -> Report:
        """Say what would be done."""
        offsets = self._target.offsets()
        report = Report(True, connectors=self._decided(offsets), warnings=self._progress.warnings)
        report.schemas = len(missing(self._source.schemas(), self._target.schemas()))
        report.plan = [
            TopicPlan(*work.partition, work.survey.whole.count, work.to_copy)
            for work in self._planned(offsets)
        ]
        return report

    def carry_out(self, store: Store, slot: Slot) -> Report:
        """Do it all."""
        prover = Prover(self._target, slot, self._progress)
        offsets = self._target.offsets()
        self._decided(offsets)
        schemas = missing(self._source.schemas(), self._target.schemas())
        store.ensure_topics(self._specs.values())
        self._settle(prover, offsets.get(ledger.CONNECTOR, {}))
        works = self._planned(self._target.offsets())
        if schemas:
            slot.commit(Transaction(schemas=schemas))
        Copier(self._source, slot, self._progress).copy(works)
        report = Report(False, schemas=len(schemas), warnings=self._progress.warnings)
        report.partitions = prover.prove(works)
        if report.holds:
            # Invariant 2, for the log as a whole: offsets move when all their records are there.
            actions = {
                name: hand_over(store, self._source, name, self._order.existing)
                for name in self._connectors
            }
            report.connectors = inspect(self._source, self._target, actions)
        return report

    def _planned(self, offsets: Mapping[str, Mapping[str, str]]) -> list[Work]:
        remembered = offsets.get(ledger.CONNECTOR, {})
        planner = Planner(
            self._source, self._target, remembered, self._progress, append=self._order.append
        )
        return planner.partitions(self._topics, self._specs)

    def _settle(self, prover: Prover, remembered: Mapping[str, str]) -> None:
        firsts = {
            TopicPartition(topic.name, number): first
            for topic in self._topics
            for number, (first, _) in self._source.bounds(topic.name).items()
        }
        for partition, segment in lost(remembered, firsts):
            if segment.topic_id == self._target.identity(partition.topic):
                prover.settle(partition, segment)

    def _decided(self, offsets: Mapping[str, Mapping[str, str]]) -> list[ConnectorProof]:
        """Return what is to become of the connectors. Raises ConfigError for those that went on."""
        here, remembered = self._source.offsets(), offsets.get(ledger.CONNECTOR, {})
        found, problems = [], []
        for name in self._connectors:
            whole = wanted_of(self._source, name, here[name])
            there, before = offsets.get(name, {}), ledger.handed(remembered, name)
            try:
                action = decide(name, whole, there, here[name], before, self._order.existing)
            except ConfigError as error:
                problems.append(error)
            else:
                found.append(ConnectorProof(name, len(here[name]), _PLANNED[action], holds=True))
        if problems:
            raise ConfigError.of(problems)
        return found


_PLANNED: Mapping[Action, str] = {"move": "to move", "none": "moved before", "keep": "to keep"}


class _Heard:
    """Keeps the warnings, and passes all on."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self.warnings: list[str] = []

    def warn(self, text: str) -> None:
        self.warnings.append(text)
        self._progress.warn(text)

    def at(self, phase: str, done: int, total: int) -> None:
        self._progress.at(phase, done, total)


def _chosen_connectors(source: SourceLog, order: Order) -> list[str]:
    known = source.offsets()
    unknown = [unknown_connector(name, known) for name in order.connectors if name not in known]
    if unknown:
        raise ConfigError.of(unknown)
    if order.connectors:
        return [name for name in known if name in order.connectors]
    return [] if order.topics else list(known)
