"""The options of the Avro converter: where its registry is, and how it is spoken to."""

from __future__ import annotations

from typing import Literal, TypeAlias
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from connectors_core.api.config import Config
from connectors_core.avro.subject import Strategy

Compatibility: TypeAlias = Literal[
    "BACKWARD",
    "BACKWARD_TRANSITIVE",
    "FORWARD",
    "FORWARD_TRANSITIVE",
    "FULL",
    "FULL_TRANSITIVE",
    "NONE",
]


class RegistryOptions(Config):
    """Options as Confluent's own converters have them, as in `value.converter.<option>`."""

    url: str | None = Field(
        None,
        alias="schema.registry.url",
        description="The registry, several with commas; without it schemas are kept in the log.",
    )
    user_info: SecretStr | None = Field(
        None, alias="basic.auth.user.info", description="`user:password`."
    )
    token: SecretStr | None = Field(
        None, alias="bearer.auth.token", description="A token, in place of a password."
    )
    cluster: str = Field(
        "",
        alias="bearer.auth.logical.cluster",
        description="The registry's id in Confluent Cloud, which its tokens ask for.",
    )
    ca: str | None = Field(
        None,
        alias="ssl.ca.location",
        description="The authorities to trust (PEM); the usual ones if unset.",
    )
    certificate: str | None = Field(
        None, alias="ssl.certificate.location", description="Our own certificate (PEM)."
    )
    key: str | None = Field(
        None, alias="ssl.key.location", description="The key of our certificate (PEM)."
    )
    auto_register: bool = Field(
        True,
        alias="auto.register.schemas",
        description="Whether a schema may be registered here; else it has to be there.",
    )
    strategy: Strategy = Field(
        "TopicNameStrategy",
        alias="subject.name.strategy",
        description="What a subject is named by: the topic, the record, or both.",
    )
    compatibility: Compatibility | None = Field(
        None, description="Set on a subject when its first schema is registered here."
    )

    @field_validator("url")
    @classmethod
    def _addresses(cls, url: str | None) -> str | None:
        for each in [] if url is None else url.split(","):
            parts = urlsplit(each.strip())
            if parts.scheme not in ("http", "https") or not parts.hostname:
                raise ValueError("must be http:// or https:// and a host; several with commas")
            if "@" in parts.netloc:
                raise ValueError(
                    "must not hold a password. Give it as basic.auth.user.info: ${env:NAME}"
                )
        return url

    @field_validator("user_info")
    @classmethod
    def _pair(cls, pair: SecretStr | None) -> SecretStr | None:
        if pair is not None and ":" not in pair.get_secret_value():
            raise ValueError("must be user:password")
        return pair

    @model_validator(mode="after")
    def _together(self) -> RegistryOptions:
        if self.url is None and self.model_fields_set - {"url"}:
            raise ValueError("schema.registry.url is not given, and the other options are for it")
        if self.user_info is not None and self.token is not None:
            raise ValueError("give basic.auth.user.info or bearer.auth.token, not both")
        if self.key is not None and self.certificate is None:
            raise ValueError("ssl.key.location needs ssl.certificate.location")
        return self

    @property
    def urls(self) -> list[str]:
        """The addresses, in the order in which they are tried."""
        return [each.strip().rstrip("/") for each in (self.url or "").split(",") if each.strip()]

    @property
    def secrets(self) -> list[str]:
        """What MUST NOT be shown (invariant 9)."""
        given = [each.get_secret_value() for each in (self.user_info, self.token) if each]
        return given + [password for each in given if (password := each.partition(":")[2])]
