"""The registry on a server of Confluent's HTTP API: ids come from there and are kept here."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Hashable
from functools import partial
from typing import NoReturn, TypeVar

from connectors_core.api.errors import DataError, SchemaError, StoreError
from connectors_core.api.schema import Schema
from connectors_core.avro.confluent import ConfluentClient
from connectors_core.avro.patience import Patience
from connectors_core.avro.registry_options import RegistryOptions

log = logging.getLogger(__name__)
T = TypeVar("T")
LATEST_SECONDS = 1.0
"""How long the newest version counts as that: other workers may register a newer one."""
REFUSED_SECONDS = 10.0
"""How long a refusal holds: under `errors.tolerance: all` every bad record would ask again."""


class HttpRegistry:
    """Asks the server for what it does not know yet; ids it knows work while the server is down.

    Nothing of it is stored in the log, so it has no `pending` rows. Converters ask on the data
    plane's loop, where an answer is waited for: 3 s at most, whoever else asks (see `Patience`),
    which is under the 5 s of the watchdog. Whoever gets no answer has StoreError
    (`store.registry`), which fails the task's run; the restart policy starts it again from its
    committed offsets. It is no Retry, because what waits for a schema to be learnt is gone by then.
    """

    def __init__(
        self,
        options: RegistryOptions,
        patience: Patience | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.lock = threading.RLock()
        self._patience = patience or Patience()
        self._client = ConfluentClient(options, self._patience.seconds)
        self._options = options
        self._clock = clock
        # Written by the threads that ask, one item at a time, while the caller holds the lock.
        self._ids: dict[tuple[str, Schema], int] = {}
        self._by_id: dict[int, Schema] = {}
        self._latest: dict[str, tuple[Schema | None, float]] = {}
        self._refused: dict[tuple[str, Schema], tuple[str, float]] = {}

    def latest(self, subject: str) -> Schema | None:
        """Return the newest schema of a subject, a second old at most while the server answers."""
        with self.lock:
            known, until = self._latest.get(subject, (None, 0.0))
            if self._clock() < until:
                return known
            try:
                return self._wait(("latest", subject), partial(self._ask_latest, subject))
            except StoreError as error:
                if known is None:
                    raise
                facts = {"subject": subject, "error": str(error)}
                log.warning("schema registry gives no answer; its last one is used", extra=facts)
                return known

    def register(self, subject: str, schema: Schema) -> int:
        """Return the id of a schema, registering it if it is new and that is allowed.

        Raises SchemaError with both schemas if the subject's compatibility forbids it.
        """
        key = (subject, schema)
        with self.lock:
            if key in self._ids:
                return self._ids[key]
            said, until = self._refused.get(key, ("", 0.0))
            if self._clock() < until:
                raise SchemaError(said, code="schema.incompatible")
            ask = self._ask_register if self._options.auto_register else self._ask_id
            return self._wait(("register", key), partial(ask, subject, schema))

    def schema(self, schema_id: int) -> Schema:
        """Return the schema with this id. Raises DataError if there is none."""
        with self.lock:
            known = self._by_id.get(schema_id)
            return known or self._wait(("schema", schema_id), partial(self._ask_schema, schema_id))

    def _wait(self, key: Hashable, ask: Callable[[], T]) -> T:
        try:
            return self._patience.run(key, ask)
        except TimeoutError:
            waited = f"no answer within {self._patience.seconds:g} s"
            raise self._client.unavailable(waited) from None

    # What runs in a thread of its own, to its end even if nobody waits any more.

    def _ask_latest(self, subject: str) -> Schema | None:
        found = self._client.latest(subject)
        schema = None
        if found is not None:
            schema_id, schema = found
            self._keep(subject, schema, schema_id)
        self._latest[subject] = (schema, self._clock() + LATEST_SECONDS)
        return schema

    def _ask_schema(self, schema_id: int) -> Schema:
        found = self._client.schema(schema_id)
        if found is None:
            raise DataError(
                f"schema registry {self._client.url} has no schema with the id {schema_id}. Read"
                " the record with the registry that it was written with.",
                code="data.schema",
            )
        self._by_id[schema_id] = found
        return found

    def _ask_id(self, subject: str, schema: Schema) -> int:
        schema_id = self._client.look_up(subject, schema)
        if schema_id is None:
            raise SchemaError(
                f"subject {subject} has no version {schema.json}, and auto.register.schemas is"
                " false. Register it there, or allow it here.",
                code="schema.unregistered",
            )
        self._keep(subject, schema, schema_id)
        return schema_id

    def _ask_register(self, subject: str, schema: Schema) -> int:
        level = self._options.compatibility
        if level is not None and self._client.latest(subject) is None:
            self._client.set_compatibility(subject, level)
        schema_id = self._client.register(subject, schema)
        if schema_id is None:
            self._refuse(subject, schema)
        self._keep(subject, schema, schema_id)
        # It may be an old version that was there: the server says which is the newest.
        known = self._latest.get(subject, (None, 0.0))[0]
        self._latest[subject] = (known or schema, 0.0)
        return schema_id

    def _refuse(self, subject: str, schema: Schema) -> NoReturn:
        found = self._client.latest(subject)
        stored = "(none)" if found is None else found[1].json
        said = (
            f"schema registry {self._client.url}: subject {subject} can't change from {stored} to"
            f" {schema.json}. Change its compatibility there, or what the source gives."
        )
        self._refused[subject, schema] = (said, self._clock() + REFUSED_SECONDS)
        raise SchemaError(said, code="schema.incompatible")

    def _keep(self, subject: str, schema: Schema, schema_id: int) -> None:
        self._ids[subject, schema] = schema_id
        self._by_id[schema_id] = schema


class HttpRegistries:
    """One registry for all converters with the same options, one patience for all registries."""

    def __init__(self) -> None:
        self._patience = Patience()
        self._made: dict[RegistryOptions, HttpRegistry] = {}

    def of(self, options: RegistryOptions) -> HttpRegistry:
        """Return the registry of these options. Raises ConfigError if there can't be one."""
        if options not in self._made:
            self._made[options] = HttpRegistry(options, self._patience)
        return self._made[options]
