"""The catalogue: every plugin that could be used, imported only when it is asked for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from connectors_core.api.errors import ConfigError
from connectors_core.discovery.failure import Failure, Mistake
from connectors_core.discovery.origin import (
    Origin,
    PluginInfo,
    built_in,
    inline,
    installed,
    plain,
)

if TYPE_CHECKING:
    from importlib.metadata import Distribution

    from connectors_core.api.converter import Converter
    from connectors_core.api.source import Source
    from connectors_core.api.transform import Predicate, Transform


@dataclass(frozen=True, slots=True)
class Loaded:
    """A plugin after its import: what it brings by (kind, name), or why it can't be used."""

    origin: Origin
    brings: dict[tuple[str, str], Any]
    failure: Failure | None = None


class Catalogue:
    """Finds plugin classes by `name` or `dist:name`; not safe for use by several threads.

    Built-ins come through the same hooks as all others. Entry points are imported only when a name
    asks for them; a plugin that can't be imported hurts nobody who does not name it.
    """

    def __init__(
        self,
        *,
        builtins: Sequence[ModuleType | str] = (),
        files: Sequence[Path] = (),
        distributions: Iterable[Distribution] | None = None,
    ) -> None:
        self._own = [*built_in(builtins), *inline(files)]
        self._distributions = distributions
        self._loaded: dict[int, Loaded] = {}

    @cached_property
    def _installed(self) -> list[Origin]:
        return list(installed(self._distributions))

    def source(self, name: str) -> type[Source[Any]]:
        """Return a source class. Raises ConfigError for a name that is unknown, claimed by two
        plugins or broken; so do the methods below."""
        found: type[Source[Any]] = self._find("source", name)
        return found

    def transform(self, name: str) -> type[Transform[Any]]:
        """Return a transform class."""
        found: type[Transform[Any]] = self._find("transform", name)
        return found

    def predicate(self, name: str) -> type[Predicate[Any]]:
        """Return a predicate class."""
        found: type[Predicate[Any]] = self._find("predicate", name)
        return found

    def converter(self, name: str) -> type[Converter]:
        """Return a converter class."""
        found: type[Converter] = self._find("converter", name)
        return found

    def store(self, name: str) -> Any:
        """Return a store class."""
        return self._find("store", name)

    def command(self, name: str) -> Any:
        """Return a command that a plugin brings."""
        return self._find("command", name)

    def plugins(self) -> list[PluginInfo]:
        """List all plugins. Entry points by their metadata: no installed plugin is imported."""
        named = [
            PluginInfo(origin.name or "", origin.distribution, origin.version, None, origin.where)
            for origin in self._installed
        ]
        return sorted(named + self._infos(self._own), key=_by_name)

    def check(self) -> list[PluginInfo]:
        """List all plugins after importing every one, with what is wrong with each."""
        infos = self._infos([*self._installed, *self._own])
        return sorted((_claimed(info, infos) for info in infos), key=_by_name)

    def _infos(self, origins: Iterable[Origin]) -> list[PluginInfo]:
        return [info for origin in origins for info in _infos_of(self._load(origin))]

    def _load(self, origin: Origin) -> Loaded:
        if id(origin) not in self._loaded:
            self._loaded[id(origin)] = _load(origin)
        return self._loaded[id(origin)]

    def _find(self, kind: str, wanted: str) -> Any:
        prefix, colon, rest = wanted.rpartition(":")
        name = rest if colon else wanted
        own = [each for each in self._own if _is_of(each, prefix)]
        entries = [each for each in self._installed if _is_of(each, prefix)]
        loaded = [self._load(each) for each in entries if each.name == name]
        loaded += [self._load(each) for each in own]
        found = _bringing(loaded, kind, name)
        if not found and kind != "source":
            # A source's name is its entry point's; the others' may be inside any plugin.
            found = _bringing([self._load(each) for each in entries], kind, name)
        broken = [each for each in loaded if each.failure and each.origin.name == name]
        if len(found) + (len(broken) if kind == "source" else 0) > 1:
            raise _twice(kind, name, [*found, *broken])
        if found:
            return found[0].brings[kind, name]
        if broken:
            raise _broken(wanted, broken[0])
        raise self._unknown(kind, wanted, [each for each in loaded if each.failure])

    def _unknown(self, kind: str, wanted: str, broken: Sequence[Loaded]) -> ConfigError:
        known = {each.name for each in self._installed if each.name} if kind == "source" else set()
        for loaded in self._loaded.values():
            known |= {name for found, name in loaded.brings if found == kind}
        near = get_close_matches(wanted[:200], sorted(known), n=3)
        hint = f"Did you mean {' or '.join(near)}?" if near else _listed(sorted(known))
        for each in broken:
            # A broken inline file can't say its names: this may be the one that was meant.
            hint += f" {each.origin.where} can't be used: {each.failure}."
        return ConfigError(f"there is no {kind} {wanted[:100]!r}. {hint}", code="plugin.unknown")


def _load(origin: Origin) -> Loaded:
    # Imported here: listing plugins needs no pluggy and none of the classes.
    from connectors_core.discovery.registration import brought

    try:
        found = brought(origin.load(), str(origin))
        _check_name(origin, found)
    except BaseException as error:  # a plugin may raise SystemExit, or anything, when imported
        return Loaded(origin, {}, Failure.of(error))
    return Loaded(origin, found)


def _check_name(origin: Origin, found: Iterable[tuple[str, str]]) -> None:
    """Refuse an entry point that is called otherwise than the sources it brings."""
    sources = [name for kind, name in found if kind == "source"]
    if origin.name is not None and sources and origin.name not in sources:
        raise Mistake(
            f"the entry point {origin.name!r} brings sources named {', '.join(sources)}."
            " Give the entry point and the source one name.",
            origin.where,
        )


def _is_of(origin: Origin, distribution: str) -> bool:
    return not distribution or plain(origin.distribution) == plain(distribution)


def _bringing(loaded: Iterable[Loaded], kind: str, name: str) -> list[Loaded]:
    """Return the plugins that bring this name, each class once."""
    found: dict[int, Loaded] = {}
    for each in loaded:
        if (kind, name) in each.brings:
            found.setdefault(id(each.brings[kind, name]), each)
    return list(found.values())


def _infos_of(loaded: Loaded) -> list[PluginInfo]:
    origin = loaded.origin
    about = (origin.distribution, origin.version)
    if loaded.failure:
        name = origin.name or origin.distribution
        return [PluginInfo(name, *about, None, origin.where, str(loaded.failure))]
    return [PluginInfo(name, *about, kind, origin.where) for kind, name in loaded.brings]


def _by_name(info: PluginInfo) -> tuple[str, str, str]:
    return info.name, info.distribution, info.kind or ""


def _claimed(info: PluginInfo, others: Iterable[PluginInfo]) -> PluginInfo:
    """Return the same plugin, with the claim of another one to its name as its error."""
    rivals = [
        f"{each.distribution}:{each.name}"
        for each in others
        if (each.name, each.kind) == (info.name, info.kind)
        and plain(each.distribution) != plain(info.distribution)
    ]
    if info.error or not rivals:
        return info
    error = f"also claimed by {', '.join(rivals)}: select with {info.distribution}:{info.name}"
    return PluginInfo(info.name, info.distribution, info.version, info.kind, info.where, error)


def _twice(kind: str, name: str, claims: Sequence[Loaded]) -> ConfigError:
    whose = " and ".join(f"{each.origin.distribution} ({each.origin.where})" for each in claims)
    cure = " or ".join(f"{each.origin.distribution}:{name}" for each in claims)
    return ConfigError(
        f"the {kind} {name!r} is claimed by {whose}. Write {cure}.", code="plugin.claimed"
    )


def _broken(wanted: str, loaded: Loaded) -> ConfigError:
    origin = loaded.origin
    return ConfigError(
        f"the plugin {wanted!r} of {origin.distribution} {origin.version}".rstrip()
        + f" can't be used: {loaded.failure}. Mend or reinstall it.",
        code="plugin.broken",
    )


def _listed(names: Sequence[str]) -> str:
    return f"There are: {', '.join(names)}." if names else "No plugin is installed that brings one."
