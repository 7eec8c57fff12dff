"""AvroConverter: values to the wire format by a schema that is given, declared or learnt."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Literal, TypeVar

from connectors_core.api.config import Config
from connectors_core.api.converter import Converter
from connectors_core.api.errors import ConfigError, DataError, SchemaError
from connectors_core.api.schema import Schema
from connectors_core.api.schema_infer import infer
from connectors_core.api.schema_plain import plain_of
from connectors_core.api.schema_types import is_record
from connectors_core.avro import wire
from connectors_core.avro.codec import decoder, encoder
from connectors_core.avro.evolution import backward, evolve, learn
from connectors_core.avro.registry import Registry
from connectors_core.avro.registry_options import RegistryOptions
from connectors_core.avro.subject import Strategy, subject_of

Encode = Callable[[Any], bytes]
Key = tuple[str, Schema | None, type[Any]]
T = TypeVar("T")


class AvroConverter(Converter):
    """Writes Avro in Confluent's wire format, by the subject `<topic>-key` or `<topic>-value`.

    Schemas are kept in the log, or in the registry at `schema.registry.url`.
    A given schema is used as it is, if what is stored can be read with it (`evolve`) or if it is
    the one that is stored (`freeze`). A model or dataclass has the schema of its class. Any other
    value goes by the subject's latest schema, which `evolve` lets grow with the values; where
    there is none yet it is learnt from the first samples.
    """

    name: ClassVar[str] = "avro"

    @classmethod
    def config_class(cls) -> type[Config]:
        """Return the model of the options."""
        return RegistryOptions

    def __init__(
        self,
        registry: Registry,
        *,
        is_key: bool,
        evolution: Literal["evolve", "freeze"] = "evolve",
        strategy: Strategy = "TopicNameStrategy",
    ) -> None:
        self._registry = registry
        self._part = "key" if is_key else "value"
        self._strategy = strategy
        self._evolves = evolution == "evolve"
        self._ready: set[str] = set()
        self._encoders: dict[Key, Encode] = {}
        self._decoders: dict[int, Callable[[bytes, int], Any]] = {}

    def subject(self, topic: str, schema: Schema | None = None) -> str:
        """Return the subject of a declared schema in a topic; None is the one that is learnt."""
        return subject_of(self._strategy, topic, self._part, schema)

    def wants_samples(self, topic: str, schema: Schema | None) -> bool:
        if schema is not None or topic in self._ready:
            return False
        if self._registry.latest(self.subject(topic)) is None:
            return True
        self._ready.add(topic)
        return False

    def learn(self, topic: str, samples: Sequence[Any]) -> None:
        self._ready.add(topic)
        subject = self.subject(topic)
        if self._registry.latest(subject) is not None:
            return
        untyped = [sample for sample in samples if not is_record(type(sample))]
        found = learn(untyped, topic)
        with self._registry.lock:
            if found is not None and self._registry.latest(subject) is None:
                self._registry.register(self.subject(topic, found), found)

    def encode(self, topic: str, schema: Schema | None, value: Any) -> bytes:
        key = (topic, schema, value.__class__)
        try:
            return (self._encoders.get(key) or self._locked(self._encoder, key, value))(value)
        except SchemaError as error:
            if schema is not None or not self._evolves or is_record(key[2]):
                raise _placed(error) from error.__cause__
        except RecursionError as error:
            raise SchemaError("is nested too deep.", code="schema.depth", place="value") from error
        return self._locked(self._evolved, key, value)

    def _locked(self, step: Callable[[Key, Any], T], key: Key, value: Any) -> T:
        """Take a step off the hot path alone: threads share converters, converters a subject."""
        with self._registry.lock:
            return step(key, value)

    def bound(self, topic: str, schema: Schema | None, cls: type[Any]) -> Encode:
        return self._encoders.get((topic, schema, cls)) or super().bound(topic, schema, cls)

    def _encoder(self, key: Key, value: Any) -> Encode:
        """Compile, and keep, what encodes values of this class by this schema."""
        topic, given, cls = key
        try:
            declared = given or (Schema.of(cls) if is_record(cls) else None)
            turn = plain_of(value.__class__)
        except ConfigError as error:
            raise SchemaError(error.message, code=error.code, place=error.place) from error
        made = self._compiled(topic, self._admitted(topic, declared, value))
        if turn is not None:
            made = _after(turn, made)
        # Never changed in place: another thread may be looking.
        self._encoders = {**self._encoders, key: made}
        return made

    def _admitted(self, topic: str, declared: Schema | None, value: Any) -> Schema:
        """Return the schema to write with. Raises SchemaError if the subject does not allow it."""
        subject = self.subject(topic, declared)
        latest = self._registry.latest(subject)
        if declared is None:
            return latest or Schema(infer([value], topic))
        if latest is None or latest == declared:
            return declared
        if not self._evolves:
            raise SchemaError(
                f"the schema differs from the one of {subject}, and schema.evolution"
                " is freeze. Give that schema, or let it evolve.",
                code="schema.frozen",
            )
        backward(declared, latest)
        return declared

    def _compiled(self, topic: str, schema: Schema) -> Encode:
        schema_id = self._registry.register(self.subject(topic, schema), schema)
        return encoder(schema, wire.prefix(schema_id))

    def _evolved(self, key: Key, value: Any) -> bytes:
        """Let the subject's schema grow by a value that it refused, and encode that value."""
        topic = key[0]
        subject = self.subject(topic)
        latest = self._registry.latest(subject) or Schema(infer([value], topic))
        turn = plain_of(value.__class__)
        try:
            grown = evolve(latest, [value])
            made = encoder(grown, wire.prefix(grown.id))
            # Nothing is registered for a value that can't be written by what it asks for.
            made(value if turn is None else turn(value))
        except SchemaError as error:
            raise _placed(error) from error.__cause__
        made = self._compiled(topic, grown)
        self._encoders = {
            known: encode
            for known, encode in self._encoders.items()
            if known[0] != topic or known[1] is not None or is_record(known[2])
        }
        made = made if turn is None else _after(turn, made)
        self._encoders = {**self._encoders, key: made}
        return made(value)

    def decode(self, topic: str, data: bytes) -> Any:
        try:
            schema_id = wire.schema_id(data)
            decode = self._decoders.get(schema_id)
            if decode is None:
                decode = decoder(self._registry.schema(schema_id))
                self._decoders[schema_id] = decode
            return decode(data, wire.PREFIX_BYTES)
        except DataError as error:
            raise DataError(error.message, code=error.code, place=topic) from error.__cause__


def _after(turn: Callable[[Any], Any], encode: Encode) -> Encode:
    return lambda value: encode(turn(value))


def _placed(error: SchemaError) -> SchemaError:
    """Give an error about the whole value a place as well."""
    return error if error.place else SchemaError(error.message, code=error.code, place="value")
