"""States of tasks and connectors, the legal moves between them, and what is shown of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from connectors_core.api.record import JsonScalar


class State(StrEnum):
    """The state of a task, and of the connector that it belongs to."""

    RUNNING = "RUNNING"
    PAUSED = "PAUSED"
    FAILED = "FAILED"
    RESTARTING = "RESTARTING"
    STOPPED = "STOPPED"
    COMPLETED = "COMPLETED"


MOVES: Mapping[State, frozenset[State]] = {
    State.STOPPED: frozenset({State.RUNNING, State.PAUSED, State.FAILED}),
    State.RUNNING: frozenset(
        {State.PAUSED, State.RESTARTING, State.FAILED, State.COMPLETED, State.STOPPED}
    ),
    State.RESTARTING: frozenset({State.RUNNING, State.PAUSED, State.FAILED, State.STOPPED}),
    State.PAUSED: frozenset({State.RUNNING, State.STOPPED}),
    State.FAILED: frozenset({State.RUNNING, State.RESTARTING, State.STOPPED}),
    State.COMPLETED: frozenset({State.RUNNING, State.STOPPED}),
}
"""Every legal move; a task that asks for another is a bug of the herder."""

_WORST_FIRST = (
    State.FAILED,
    State.RESTARTING,
    State.RUNNING,
    State.PAUSED,
    State.STOPPED,
    State.COMPLETED,
)


def joint_state(states: Sequence[State]) -> State:
    """Return the state of a connector from those of its tasks: the one that matters most.

    RUNNING where there are none, between the last of some partitions and the first of others.
    """
    return next((state for state in _WORST_FIRST if state in states), State.RUNNING)


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a task is FAILED or RESTARTING: a stable code, its group, one line of text."""

    code: str
    group: str
    text: str


@dataclass(frozen=True, slots=True)
class TaskStatus:
    """One task as shown: `id` counts from 0 within the connector."""

    id: int
    state: State
    partitions: Sequence[str] = ()
    failure: Failure | None = None
    restarts: int = 0


@dataclass(frozen=True, slots=True)
class ConnectorStatus:
    """One connector as shown by `run`, `status` and the summary.

    `records` and `bytes` count what is committed since the start. `offsets` and `facts` are by
    partition key (canonical JSON). `idle_seconds` is the time since the last commit, None before
    the first.
    """

    name: str
    plugin: str
    state: State
    tasks: Sequence[TaskStatus] = ()
    records: int = 0
    bytes: int = 0
    errors: int = 0
    restarts: int = 0
    rejected: int = 0
    filtered: int = 0
    failure: Failure | None = None
    note: str = ""
    idle_seconds: float | None = None
    offsets: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, Mapping[str, JsonScalar]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Summary:
    """What a run did: `seconds` from the first pull to the last commit."""

    connectors: Sequence[ConnectorStatus]
    records: int
    bytes: int
    seconds: float
