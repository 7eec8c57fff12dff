"""Reads one YAML document into maps that know their lines, within limits.

Written on the parser's events, not on nodes: one pass, and every limit holds before anything is
built. The scalars are YAML 1.2's, whatever PyYAML makes of them.
"""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import yaml

from connectors_core.api.errors import ConfigError
from connectors_core.configs.scalar import Scalar, scalar, tagged
from connectors_core.configs.syntax import syntax_error
from connectors_core.configs.tree import MAX_DEPTH, List, Map, Mark

MAX_BYTES = 1 << 20
MAX_ALIASED = 1000
_TOO_DEEP = f"nested more than {MAX_DEPTH} deep: write it flatter"
_LOADER: type[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


CONNECTOR = "connector.class: NAME"


def read(path: Path, example: str = CONNECTOR) -> Map:
    """Return the map that a file holds. Blocking; raises ConfigError with file and line.

    `example` is a line that such a file may have, for errors.
    """
    return parse(_text(path), str(path), example=example)


def _text(path: Path) -> str:
    try:
        found = path.stat()
        if stat.S_ISDIR(found.st_mode):
            raise _bad(path, f"is a directory: name its files, as in {path}/*.yaml")
        if not stat.S_ISREG(found.st_mode):
            raise _bad(path, "is not a regular file: write the config to a file")
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise _bad(path, _missing(path)) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise _bad(path, f"can't be read ({reason}): check its path and permissions") from None
    if len(data) > MAX_BYTES:
        raise _bad(path, "is larger than 1 MiB: one file holds one connector")
    return _decoded(path, data)


def _missing(path: Path) -> str:
    if any(sign in str(path) for sign in "*?["):
        return "matches no file: check the pattern"
    return "there is no such file: check the path"


def _decoded(path: Path, data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigError(
            "is not UTF-8: save the file as UTF-8", code="config.yaml", place=f"{path}:{line}"
        ) from None


def _bad(path: Path, message: str) -> ConfigError:
    return ConfigError(message, code="config.file", place=str(path))


def parse(text: str, file: str, loader: type[Any] = _LOADER, *, example: str = CONNECTOR) -> Map:
    """Return the map that one YAML document holds; `file` is named in errors."""
    composer = _Composer(file, example)
    try:
        composer.events = loader(text)
        return composer.document()
    except yaml.YAMLError as error:
        raise syntax_error(error, text, file) from None
    finally:
        if composer.events is not None:
            composer.events.dispose()


class _Composer:
    """Builds maps and lists from a parser's events."""

    def __init__(self, file: str, example: str) -> None:
        self.file = file
        self.example = example
        self.events: Any = None
        self.anchors: dict[str, tuple[Any, int, int] | None] = {}
        self.nodes = 0
        self.deepest = 0
        self.aliased = 0

    def fail(self, event: Any, message: str) -> ConfigError:
        """Return the error for what stands at an event."""
        line = event.start_mark.line + 1
        return ConfigError(message, code="config.yaml", place=f"{self.file}:{line}")

    def document(self) -> Map:
        """Return the only document, which must be a map."""
        self.events.get_event()
        first = self.events.get_event()
        if type(first) is yaml.StreamEndEvent:
            raise self.fail(first, f"is empty: write at least `{self.example}`")
        top = self.events.get_event()
        value = self.value(top, 1)
        if not isinstance(value, Map):
            raise self.fail(top, f"must be a map of options, such as `{self.example}`")
        self.events.get_event()
        more = self.events.get_event()
        if type(more) is not yaml.StreamEndEvent:
            raise self.fail(more, "a second document: one file holds one connector, split it")
        return value

    def value(self, event: Any, depth: int) -> Any:
        """Return what begins at an event; reads the events up to its end."""
        if type(event) is yaml.AliasEvent:
            return self.alias(event, depth)
        if depth > MAX_DEPTH:
            raise self.fail(event, _TOO_DEEP)
        self.nodes += 1
        self.deepest = max(self.deepest, depth)
        if event.anchor is not None:
            return self.anchored(event, depth)
        return self.bare(event, depth)

    def bare(self, event: Any, depth: int) -> Any:
        """Return a value, whether it has an anchor or not."""
        if type(event) is yaml.ScalarEvent:
            return self.scalar(event)
        return self.collection(event, depth)

    def anchored(self, event: Any, depth: int) -> Any:
        """Return a value and keep it, with its size and height, for aliases."""
        before, above = self.nodes, self.deepest
        self.anchors[event.anchor] = None
        self.deepest = depth
        value = self.bare(event, depth)
        self.anchors[event.anchor] = (value, self.nodes - before + 1, self.deepest - depth)
        self.deepest = max(above, self.deepest)
        return value

    def alias(self, event: Any, depth: int) -> Any:
        """Return what an alias stands for; the nodes that it brings are counted."""
        if event.anchor not in self.anchors:
            raise self.fail(event, f"*{event.anchor}: no such anchor; text with * needs quotes")
        known = self.anchors[event.anchor]
        if known is None:
            raise self.fail(event, f"*{event.anchor}: stands within itself; write the value out")
        value, size, height = known
        if depth + height > MAX_DEPTH:
            raise self.fail(event, _TOO_DEEP)
        self.deepest = max(self.deepest, depth + height)
        self.nodes += size
        self.aliased += size
        if self.aliased > MAX_ALIASED:
            raise self.fail(
                event, f"aliases bring more than {MAX_ALIASED} values: write fewer, or none"
            )
        return value

    def scalar(self, event: Any) -> Scalar:
        """Return the value of a scalar: text if quoted, else by YAML 1.2."""
        try:
            if event.tag is not None:
                return tagged(event.tag, event.value)
            if event.implicit[0]:
                return scalar(event.value)
            event.value.encode()
        except UnicodeEncodeError:
            raise self.fail(event, "half a surrogate pair: write the character itself") from None
        except ValueError as error:
            raise self.fail(event, f"{error}: write it in quotes if it is text") from None
        except LookupError:
            raise self.fail(event, f"tag {event.tag[:80]!r} is not known: leave it out") from None
        text: str = event.value
        return text

    def collection(self, event: Any, depth: int) -> Any:
        """Return a map or a list."""
        name = "map" if type(event) is yaml.MappingStartEvent else "seq"
        if event.tag not in (None, "!", f"tag:yaml.org,2002:{name}"):
            raise self.fail(event, f"tag {event.tag[:80]!r} is not known: leave it out")
        return self.map(depth) if name == "map" else self.list(depth)

    def list(self, depth: int) -> List:
        """Return the items up to the end of a list."""
        items = List()
        while type(event := self.events.get_event()) is not yaml.SequenceEndEvent:
            value = self.value(event, depth + 1)
            items.add(value, _mark(event, event, value))
        return items

    def map(self, depth: int) -> Map:
        """Return the pairs up to the end of a map; duplicate keys are refused."""
        pairs = Map()
        while type(event := self.events.get_event()) is not yaml.MappingEndEvent:
            key = self.key(event)
            if key in pairs:
                raise self.fail(
                    event, f"{key}: already given in line {pairs.marks[key].line}: keep one"
                )
            start = self.events.get_event()
            value = self.value(start, depth + 1)
            pairs.put(key, value, _mark(event, start, value))
        return pairs

    def key(self, event: Any) -> str:
        """Return a key as it is written: keys are always text."""
        self.nodes += 1
        if type(event) is not yaml.ScalarEvent or event.tag is not None:
            raise self.fail(event, "a key must be plain text: put what is not in quotes")
        if event.anchor is not None:
            self.anchors[event.anchor] = (event.value, 1, 0)
        if event.value == "<<" and event.implicit[0]:
            raise self.fail(event, "<<: maps can't be merged (YAML 1.2): write the keys here")
        key: str = event.value
        return key


def _mark(key: Any, value: Any, made: Any) -> Mark:
    at, to = key.start_mark, value.start_mark
    text = None if type(made) in (str, Map, List) else getattr(value, "value", None)
    return Mark(at.line + 1, at.column + 1, to.line + 1, to.column + 1, text)
