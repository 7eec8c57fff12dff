"""Makes one connector of one file's map; notes every problem instead of stopping at the first."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from connectors_core.api.config import Config, ConnectorOptions
from connectors_core.api.source import Source
from connectors_core.configs.kind import fields_of, options_in
from connectors_core.configs.model import (
    ConnectorConfig,
    ConverterConfig,
    Plugins,
    PredicateConfig,
    TransformConfig,
)
from connectors_core.configs.near import did_you_mean, near
from connectors_core.configs.notation import (
    CONVERTERS,
    Problems,
    aliases,
    groups,
    require_map,
    separate,
    under,
)
from connectors_core.configs.overrides import PREFIX, overrides
from connectors_core.configs.plugin import STEP_NAMES, checked, found, reserved
from connectors_core.configs.providers import Providers
from connectors_core.configs.steps import StepDraft, condition_of, kind_of, steps
from connectors_core.configs.topics import creation
from connectors_core.configs.tree import TOP, Map, Mark
from connectors_core.configs.validate import Section, validate

_APART = {"topics", "topic.creation", "transforms", "predicates", PREFIX}


@dataclass(slots=True)
class Reading:
    """One file on its way to a ConnectorConfig."""

    path: Path
    catalogue: Plugins
    providers: Providers
    problems: Problems

    def connector(
        self, raw: Map, overlay: Mapping[str, Any] | None = None
    ) -> ConnectorConfig | None:
        """Return the connector, or None with all its problems noted.

        `overlay` has plugin options that take the place of the file's.
        """
        resolved = self.providers.resolve(_without(raw, overlay or {}), self.problems)
        framework, plugin = separate(resolved, self.problems)
        for name, value in (overlay or {}).items():
            plugin.put(name, value, TOP)
        predicates = self._predicates(framework)
        transforms = self._transforms(framework, predicates)
        options = self._options(framework, transforms, predicates)
        source = self._source(framework)
        config = self._config(source, framework, plugin)
        converters = [self._converter(framework, key) for key in CONVERTERS]
        if source is not None:
            self._topics(framework, source)
        if self.problems.found or options is None or source is None or config is None:
            return None
        key_converter, value_converter = [each for each in converters if each is not None]
        return ConnectorConfig(
            path=self.path,
            options=options,
            source=source,
            config=config,
            transforms=tuple(transforms),
            key_converter=key_converter,
            value_converter=value_converter,
            raw=raw,
        )

    def _section(self, prefix: str, mark: Mark) -> Section:
        return Section(self.problems, prefix=prefix, mark=mark, given=self.providers.given)

    def _options(
        self, framework: Map, transforms: list[TransformConfig], predicates: Collection[str]
    ) -> ConnectorOptions | None:
        values = Map()
        if "name" not in framework:
            values.put("name", self.path.stem, TOP)
        for name, value in framework.items():
            if name in aliases() and name not in _APART:
                values.put(name, value, framework.marks[name])
        require_map(framework, "topics", self.problems)
        values.put("topics", under(framework, "topics"), framework.mark("topics"))
        values.put("topic.creation", creation(framework, self.problems), TOP)
        values.put(PREFIX, overrides(framework, self.problems), framework.mark(PREFIX))
        values.put("transforms", [each.alias for each in transforms], TOP)
        values.put("predicates", list(predicates), TOP)
        if values.get("name") in (".", ".."):
            self.problems.add(framework.mark("name"), "name: can't be . or .. on any system.")
        if "connector.class" not in values:
            # Told by _source, which looks for a misspelt one too.
            values.put("connector.class", "?", TOP)
        return validate(ConnectorOptions, values, self._section("", TOP))

    def _source(self, framework: Map) -> type[Source[Any]] | None:
        mark = framework.mark("connector.class")
        if "connector.class" not in framework:
            self.problems.add(mark, "connector.class: is required. It takes the name of a plugin.")
            return None
        name = framework["connector.class"]
        if not isinstance(name, str) or not name:
            return None
        return found(self.catalogue.source, name, "connector.class", mark, self.problems)

    def _config(
        self, source: type[Source[Any]] | None, framework: Map, plugin: Map
    ) -> Config | None:
        if source is None:
            self._misspelt(plugin)
            return None
        name = framework["connector.class"]
        section = Section(
            self.problems,
            others=_nameable(source.config_class()),
            mark=framework.mark("connector.class"),
            given=self.providers.given,
            listing=f"`pyconnect plugins show {name}` lists what there is.",
        )
        return checked(source, name, plugin, reserved(), section)

    def _misspelt(self, plugin: Map) -> None:
        """Note what looks like a framework option, when the plugin's own are not known."""
        for name in plugin:
            if ("." in name and name.partition(".")[0] in groups()) or near(name, aliases(), 0.8):
                cure = did_you_mean(name, aliases(), "Leave it out.")
                self.problems.add(plugin.mark(name), f"{name}: unknown option. {cure}")

    def _topics(self, framework: Map, source: type[Source[Any]]) -> None:
        logical = under(framework, "topics")
        for name in logical:
            if name not in source.topics:
                cure = did_you_mean(name, source.topics, f"It has {_names(source.topics)}.")
                what = f"topics.{name}: the source has no such topic. {cure}"
                self.problems.add(logical.marks[name], what)

    def _converter(self, framework: Map, key: str) -> ConverterConfig | None:
        default = ConnectorOptions.model_fields[key.replace(".", "_")].default
        name, mark = framework.get(key, default), framework.mark(key)
        options = under(framework, key)
        if not isinstance(name, str):
            return None
        cls = found(self.catalogue.converter, name, key, mark, self.problems)
        if cls is None:
            return None
        if hasattr(cls, "config_class"):
            config = checked(cls, name, options, (), self._section(f"{key}.", mark))
            return ConverterConfig(name, cls, config)
        for option in options:
            what = f"{key}.{option}: the converter {name} takes no options. Leave it out."
            self.problems.add(options.marks[option], what)
        return ConverterConfig(name, cls)

    def _predicates(self, framework: Map) -> dict[str, PredicateConfig | None]:
        """Return the predicates by alias, None for one with problems."""
        return {
            draft.alias: self._predicate(draft)
            for draft in steps(framework, "predicates", self.problems)
        }

    def _predicate(self, draft: StepDraft) -> PredicateConfig | None:
        prefix = f"predicates.{draft.alias}."
        name = kind_of(draft, "predicates", self.problems)
        cls = found(self.catalogue.predicate, name, prefix + "type", draft.mark, self.problems)
        if not name or cls is None:
            return None
        section = self._section(prefix, draft.mark)
        config = checked(cls, name, draft.options, STEP_NAMES, section)
        return PredicateConfig(draft.alias, cls, config) if config is not None else None

    def _transforms(
        self, framework: Map, predicates: Mapping[str, PredicateConfig | None]
    ) -> list[TransformConfig]:
        made = (
            self._transform(draft, predicates)
            for draft in steps(framework, "transforms", self.problems)
        )
        return [each for each in made if each is not None]

    def _transform(
        self, draft: StepDraft, predicates: Mapping[str, PredicateConfig | None]
    ) -> TransformConfig | None:
        prefix = f"transforms.{draft.alias}."
        alias, negate = condition_of(draft, self.problems)
        if alias and alias not in predicates:
            cure = did_you_mean(alias, predicates, "Add it to `predicates`.")
            self.problems.add(draft.mark, f"{prefix}predicate: there is no {alias!r}. {cure}")
        name = kind_of(draft, "transforms", self.problems)
        cls = found(self.catalogue.transform, name, prefix + "type", draft.mark, self.problems)
        if not name or cls is None:
            return None
        section = self._section(prefix, draft.mark)
        config = checked(cls, name, draft.options, STEP_NAMES, section)
        if config is None:
            return None
        return TransformConfig(draft.alias, cls, config, predicates.get(alias), negate)


def _without(raw: Map, overlay: Mapping[str, Any]) -> Map:
    """Return a file's map without what an overlay replaces: its templates are never resolved."""
    kept = Map()
    for key, value in raw.items():
        if key.partition(".")[0] not in overlay:
            kept.put(key, value, raw.marks[key])
    return kept


@lru_cache(maxsize=256)
def _nameable(model: type[Config]) -> tuple[str, ...]:
    """Return what an unknown name may have meant beside the model's own: options one level down,
    and the framework's."""
    inner = (
        f"{name}.{option}" for name, kind in fields_of(model).items() for option in options_in(kind)
    )
    return (*aliases(), *inner)


def _names(topics: Collection[str]) -> str:
    return ", ".join(topics) if topics else "only the default one, `topic`"
