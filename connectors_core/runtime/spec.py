"""What the engine needs to know of a connector; made by `app`, plain of files and formats."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from connectors_core.api.config import Config, ConnectorOptions
from connectors_core.api.converter import Converter
from connectors_core.api.source import Source
from connectors_core.api.store import TopicSpec
from connectors_core.runtime.chain import Step


@dataclass(frozen=True, slots=True)
class ConnectorSpec:
    """One connector.

    `config` is called for every run, so that secrets are read late and again. `converters` gives a
    task its own converters for keys and values. `topics` maps each logical topic of the source
    (None = the default one) to its topic; `dead_letters` is the topic for what can't be delivered.
    """

    options: ConnectorOptions
    plugin: str
    source: type[Source[Any]]
    config: Callable[[], Config]
    converters: Callable[[], tuple[Converter, Converter]]
    topics: Mapping[str | None, TopicSpec]
    dead_letters: TopicSpec
    steps: Sequence[Step] = field(default_factory=tuple)

    @property
    def name(self) -> str:
        """The connector's name."""
        return self.options.name

    @property
    def tolerant(self) -> bool:
        """Whether bad records go to the dead letters."""
        return self.options.errors_tolerance == "all"
