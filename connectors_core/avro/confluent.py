"""Confluent's client of a schema registry, with its failures put into our error tree."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from connectors_core.api.errors import ConfigError, DataError, SchemaError, StoreError
from connectors_core.api.schema import Schema
from connectors_core.avro.registry_options import RegistryOptions

if TYPE_CHECKING:
    from confluent_kafka.schema_registry import SchemaRegistryClient
    from confluent_kafka.schema_registry.error import SchemaRegistryError

T = TypeVar("T")
NO_SUBJECT, NO_VERSION, NO_SCHEMA, READ_ONLY = 40401, 40402, 40403, 42205
_BUSY = (408, 429)
_IDS = 1 << 31
_SAID_CHARACTERS = 500


class ConfluentClient:
    """Asks a registry, one try each; blocking, any thread may call.

    A client and its connection are made for every question: questions are rare, and a connection
    that was kept may be dead by the next one. Every method raises ConfigError for what a restart
    can't mend (credentials, certificates, a URL that is no registry's), StoreError
    (`store.registry`, restartable) if the server is not there, too slow, or broken.
    """

    def __init__(self, options: RegistryOptions, seconds: float) -> None:
        self.url = ", ".join(options.urls)
        self._secrets = options.secrets
        self._settings = _settings(options, seconds)
        self._client_class, self._schema_class, self._error_class = _library()
        try:
            self._client_class(self._settings).close()
        except (OSError, ValueError) as error:
            # A certificate that can't be read is told before anything runs.
            raise ConfigError(
                f"schema registry {self.url}: {self._said(error)}. Look at ssl.ca.location,"
                " ssl.certificate.location and ssl.key.location.",
                code="config.registry",
            ) from error

    def latest(self, subject: str) -> tuple[int, Schema] | None:
        """Return the id and the schema of a subject's newest version, None if it has none."""

        def ask(client: SchemaRegistryClient) -> tuple[int, Schema]:
            found = client.get_latest_version(subject)
            return self._id(found.schema_id), self._parsed(found.schema, f"subject {subject}")

        return self._unless(ask, NO_SUBJECT, NO_VERSION)

    def schema(self, schema_id: int) -> Schema | None:
        """Return the schema of an id, None if there is none."""

        def ask(client: SchemaRegistryClient) -> Schema:
            return self._parsed(client.get_schema(schema_id), f"id {schema_id}")

        return self._unless(ask, NO_SCHEMA, NO_SUBJECT)

    def look_up(self, subject: str, schema: Schema) -> int | None:
        """Return the id that a schema has in a subject, None if it is no version of it."""
        asked = self._schema_class(schema.text, "AVRO")
        return self._unless(
            lambda client: self._id(client.lookup_schema(subject, asked).schema_id),
            NO_SUBJECT,
            NO_SCHEMA,
        )

    def register(self, subject: str, schema: Schema) -> int | None:
        """Return the id of a schema, making it the next version; None if it is incompatible."""
        asked = self._schema_class(schema.text, "AVRO")
        try:
            return self._ask(lambda client: self._id(client.register_schema(subject, asked)))
        except self._error_class as error:
            if error.http_status_code == 409:
                return None
            raise self._refusal(error) from error

    def set_compatibility(self, subject: str, level: str) -> None:
        """Say which changes a subject takes."""
        try:
            self._ask(lambda client: client.set_compatibility(subject, level))
        except self._error_class as error:
            raise self._refusal(error) from error

    def unavailable(self, said: str) -> StoreError:
        """Build the error of a server that gives no answer; the restart policy tries again."""
        return StoreError(
            f"schema registry {self.url}: {said}. Tasks that need it are restarted until it"
            " answers; see restart.max.",
            code="store.registry",
        )

    def _unless(self, ask: Callable[[SchemaRegistryClient], T], *absent: int) -> T | None:
        try:
            return self._ask(ask)
        except self._error_class as error:
            if error.error_code in absent:
                return None
            raise self._refusal(error) from error

    def _ask(self, ask: Callable[[SchemaRegistryClient], T]) -> T:
        try:
            with self._client_class(self._settings) as client:
                return ask(client)
        except (self._error_class, ConfigError, DataError, StoreError):
            raise
        except Exception as error:  # which HTTP library it uses is its own business
            if _untrusted(error):
                raise ConfigError(
                    f"schema registry {self.url}: {self._said(error)}. Give the authority that"
                    " signed its certificate as ssl.ca.location.",
                    code="config.registry",
                ) from error
            raise self.unavailable(self._said(error)) from error

    def _refusal(self, error: SchemaRegistryError) -> ConfigError | SchemaError | StoreError:
        status, said = error.http_status_code, self._said(error)
        if status >= 500 or status in _BUSY:
            return self.unavailable(said)
        if status in (401, 403):
            cure = "Look at basic.auth.user.info or bearer.auth.token, and at what they may do"
        elif error.error_code == READ_ONLY or status == 405:
            cure = "It takes no schemas. Register them there, with auto.register.schemas: false"
        elif status == 422:
            return SchemaError(
                f"schema registry {self.url} refuses the schema: {said}.", code="schema.refused"
            )
        else:
            cure = "Look at schema.registry.url: this is not how a schema registry answers"
        return ConfigError(f"schema registry {self.url}: {said}. {cure}.", code="config.registry")

    def _said(self, error: Exception) -> str:
        """Return what an error says, in one line and without secrets (invariant 9)."""
        text = " ".join(str(error).split()) or type(error).__name__
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text[:_SAID_CHARACTERS].rstrip(".")

    def _id(self, schema_id: object) -> int:
        if type(schema_id) is int and 0 <= schema_id < _IDS:
            return schema_id
        raise self.unavailable(f"answered with {schema_id!r} where the id of a schema must be")

    def _parsed(self, answer: Any, what: str) -> Schema:
        if answer.schema_type not in (None, "AVRO") or answer.references:
            raise DataError(
                f"schema registry {self.url}: {what} is {answer.schema_type}, or refers to other"
                " schemas. Only Avro schemas that stand alone are read.",
                code="data.schema",
            )
        try:
            return Schema.avro(answer.schema_str)
        except ConfigError as error:
            raise DataError(
                f"schema registry {self.url}: {what}: {error}", code="data.schema"
            ) from error


def _library() -> tuple[type[SchemaRegistryClient], type[Any], type[SchemaRegistryError]]:
    """Import late: it takes a fifth of a second and 33 MiB, and few need it."""
    try:
        from confluent_kafka.schema_registry import Schema as ConfluentSchema
        from confluent_kafka.schema_registry import SchemaRegistryClient
        from confluent_kafka.schema_registry.error import SchemaRegistryError
    except ImportError as error:
        raise ConfigError(
            f"schema.registry.url needs the extra `registry` ({error}). Install it:"
            " pip install 'connectors-core[registry]'.",
            code="config.extra",
        ) from error
    return SchemaRegistryClient, ConfluentSchema, SchemaRegistryError


def _settings(options: RegistryOptions, seconds: float) -> dict[str, Any]:
    settings: dict[str, Any] = {
        "url": ",".join(options.urls),
        # All addresses are tried while the caller has patience.
        "timeout": seconds / len(options.urls),
        "max.retries": 0,
        "ssl.ca.location": options.ca,
        "ssl.certificate.location": options.certificate,
        "ssl.key.location": options.key,
    }
    if all(url.startswith("http:") for url in options.urls):
        # Nothing is verified there, and reading the usual authorities takes 35 ms each time.
        settings["ssl.ca.location"] = False
    if options.user_info is not None:
        settings["basic.auth.user.info"] = options.user_info.get_secret_value()
    if options.token is not None:
        settings |= {
            "bearer.auth.credentials.source": "STATIC_TOKEN",
            "bearer.auth.token": options.token.get_secret_value(),
            "bearer.auth.logical.cluster": options.cluster,
        }
    return {name: value for name, value in settings.items() if value is not None}


def _untrusted(error: BaseException | None) -> bool:
    """Say whether a certificate was refused, by us or by the server."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__cause__ or error.__context__
    return False
