"""From a connector's checked file to what the engine runs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from connectors_core.api.config import Config, ConnectorOptions
from connectors_core.api.converter import Converter
from connectors_core.api.store import TopicSpec
from connectors_core.avro.converter import AvroConverter
from connectors_core.avro.http_registry import HttpRegistries
from connectors_core.avro.registry import EmbeddedRegistry, Registry
from connectors_core.avro.registry_options import RegistryOptions
from connectors_core.configs.load import again
from connectors_core.configs.model import ConnectorConfig, ConverterConfig
from connectors_core.configs.providers import Providers
from connectors_core.discovery import Catalogue
from connectors_core.runtime.chain import Step
from connectors_core.runtime.spec import ConnectorSpec


class SpecMaker:
    """Makes specs; keeps the catalogue, because a restart reads the options anew."""

    def __init__(self, catalogue: Catalogue, providers: Providers) -> None:
        self._catalogue = catalogue
        self._providers = providers
        self._registries = HttpRegistries()

    def spec(
        self,
        connector: ConnectorConfig,
        registry: EmbeddedRegistry,
        overlay: Mapping[str, Any] | None = None,
    ) -> ConnectorSpec:
        """Return the spec of a connector; `overlay` has options that replace the file's."""
        options = connector.options
        # Made here, before anything runs: a certificate that can't be read is a ConfigError.
        key_registry = self._registry(connector.key_converter, registry)
        value_registry = self._registry(connector.value_converter, registry)

        def config() -> Config:
            made = again(connector, self._catalogue, overlay=overlay, providers=self._providers)
            return made.config

        def converters() -> tuple[Converter, Converter]:
            return (
                _converter(connector.key_converter, options, key_registry, is_key=True),
                _converter(connector.value_converter, options, value_registry, is_key=False),
            )

        return ConnectorSpec(
            options=options,
            plugin=options.connector_class,
            source=connector.source,
            config=config,
            converters=converters,
            topics=_topics(connector),
            dead_letters=topic_spec(options, options.dead_letter_topic or f"{options.name}-dlq"),
            steps=_steps(connector),
        )

    def _registry(self, converter: ConverterConfig, embedded: EmbeddedRegistry) -> Registry:
        options = converter.config
        if isinstance(options, RegistryOptions) and options.url is not None:
            return self._registries.of(options)
        return embedded


def topic_spec(options: ConnectorOptions, topic: str) -> TopicSpec:
    """Return how a topic is to be made: by the first group that matches it, else the default.

    Groups are Kafka Connect's (KIP-158): `include` and `exclude` match the whole name.
    """
    groups = options.topic_creation
    chosen: Mapping[str, Any] = next(
        (
            group
            for name, group in groups.items()
            if name != "default"
            and any(re.fullmatch(each, topic) for each in group.get("include", ()))
            and not any(re.fullmatch(each, topic) for each in group.get("exclude", ()))
        ),
        {},
    )
    merged = {**groups.get("default", {}), **chosen}
    settings = {
        name: str(value)
        for name, value in merged.items()
        if name not in ("partitions", "replication.factor", "include", "exclude")
    }
    return TopicSpec(
        topic, merged.get("partitions", -1), merged.get("replication.factor", -1), settings
    )


def _topics(connector: ConnectorConfig) -> dict[str | None, TopicSpec]:
    options = connector.options
    base = options.topic or options.name
    topics: dict[str | None, TopicSpec] = {None: topic_spec(options, base)}
    for name in connector.source.topics:
        topics[name] = topic_spec(options, options.topics.get(name, f"{base}.{name}"))
    return topics


def _steps(connector: ConnectorConfig) -> tuple[Step, ...]:
    return tuple(
        Step(
            each.alias,
            each.transform(each.config),
            None if each.predicate is None else each.predicate.predicate(each.predicate.config),
            each.negate,
        )
        for each in connector.transforms
    )


def _converter(
    config: ConverterConfig, options: ConnectorOptions, registry: Registry, *, is_key: bool
) -> Converter:
    if issubclass(config.converter, AvroConverter):
        strategy = (
            config.config.strategy
            if isinstance(config.config, RegistryOptions)
            else "TopicNameStrategy"
        )
        return config.converter(
            registry, is_key=is_key, evolution=options.schema_evolution, strategy=strategy
        )
    given = {} if config.config is None else dict(config.config)
    return config.converter(**given)
