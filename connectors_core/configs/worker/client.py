"""Collects the properties of Kafka's client from file, environment and command line, and checks
them: names where they are said, values once it is known which of them count."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from connectors_core.api.errors import ConfigError
from connectors_core.configs.near import did_you_mean
from connectors_core.configs.properties import (
    ALIASES,
    BOOTSTRAP,
    JAVA,
    OWNED,
    PROPERTIES,
    WORDS,
    is_code,
    is_secret,
)
from connectors_core.configs.worker.address import AddressError, addresses

Refusal = Callable[[str, str], str | None]
"""Asks Kafka's client about a property and its value: None, "" for a property that it does not
know, or what it says against the value."""


def nothing_refused(_name: str, _value: str) -> None:
    """Refuse nothing: the names are checked all the same."""


@dataclass(frozen=True, slots=True)
class Said:
    """One property as given. `place` is where it stands: a file and line, a variable, an option.

    `name` is how it is called there. `template` is what a file has instead of the value.
    """

    value: str = field(repr=False)
    place: str
    name: str = ""
    template: str = ""


@dataclass(slots=True)
class Client:
    """The properties of a cluster; what is added later goes before what was there."""

    refusal: Refusal = nothing_refused
    said: dict[str, Said] = field(default_factory=dict)
    problems: list[ConfigError] = field(default_factory=list)

    def add(self, given: Mapping[str, Said]) -> None:
        """Add the properties of one place; of two names of one property, one is enough."""
        layer: dict[str, Said] = {}
        for name, said in given.items():
            if fault := self._name_fault(name, said.value):
                self._note(said, fault)
            elif (known := ALIASES.get(name, name)) in layer:
                self._note(said, f"{known} is already given by {layer[known].place}. Keep one.")
            else:
                layer[known] = said
        self.said |= layer

    def checked(self) -> dict[str, str]:
        """Return the properties with their values checked, noting what is wrong with them."""
        made = {name: said.value for name, said in self.said.items()}
        for name, said in self.said.items():
            if name == BOOTSTRAP:
                made[name] = self._addresses(said)
            elif fault := self._value_fault(name, said.value):
                told = f"what {said.template} gives is refused by Kafka's client."
                self._note(said, told if said.template else f"{fault}.")
        self._check_login(made)
        if made and BOOTSTRAP not in made:
            first = next(iter(self.said.values()))
            self._note(
                first,
                f"is given, but no {BOOTSTRAP}. Name the cluster: kafka.{BOOTSTRAP} in the"
                " worker's file, PYCONNECT_KAFKA or --kafka.",
            )
        return made

    def _note(self, said: Said, fault: str) -> None:
        text = f"{said.name}: {fault}" if said.name else fault
        self.problems.append(ConfigError(text, code="config.kafka", place=said.place))

    def _addresses(self, said: Said) -> str:
        try:
            return addresses(said.value)
        except AddressError as error:
            told = f"what {said.template} gives is no list of HOST:PORT."
            self._note(said, told if said.template else str(error))
            return ""

    def _name_fault(self, name: str, value: str) -> str:
        if name in OWNED:
            return f"can't be set: {OWNED[name]}. Leave it out."
        if name == "transaction.timeout.ms":
            return "is a setting of the worker. Write transaction.timeout.ms without kafka."
        if name in PROPERTIES:
            return ""
        if is_code(name):
            return "takes code, not text. Leave it out."
        if name in JAVA:
            return f"is of Java's client. Write {JAVA[name]}."
        return self._unknown(name, value)

    def _unknown(self, name: str, value: str) -> str:
        # A newer client may know more than the list does.
        if self.refusal is not nothing_refused and self.refusal(name, value) != "":
            return ""
        known = PROPERTIES - OWNED.keys()
        cure = did_you_mean(name, known, "librdkafka's CONFIGURATION.md lists what there is.")
        return f"Kafka's client has no such property. {cure}"

    def _check_login(self, made: Mapping[str, str]) -> None:
        """Note credentials that would never be sent, while the worker writes as nobody."""
        protocol = made.get("security.protocol", "PLAINTEXT").upper()
        login = next((said for name, said in self.said.items() if name.startswith("sasl.")), None)
        if login is not None and protocol in ("PLAINTEXT", "SSL"):
            self._note(
                login,
                f"is never used with security.protocol {protocol}. Make that SASL_SSL, or"
                " SASL_PLAINTEXT where the network is trusted.",
            )

    def _value_fault(self, name: str, value: str) -> str:
        # Secrets are no one's to look at; to ask about the other one would load what it names.
        if is_secret(name) or name == "plugin.library.paths":
            return ""
        if (words := WORDS.get(name)) and value.upper() not in words:
            return f"must be {' or '.join(words)}, got {value!r}"
        return (self.refusal(name, value) or "").strip().rstrip(".")
