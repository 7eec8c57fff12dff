"""`exactly.once` and `producer.override.*`: what a connector may say of its producer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from connectors_core.app.client import refusal
from connectors_core.configs.overrides import ALLOWED, Range
from connectors_core.configs.properties import ALIASES, OWNED, PROPERTIES, is_code, is_secret
from connectors_core.configs.timeouts import misfits
from connectors_core.configs.worker.place import KafkaPlace
from tests.unit.configs.client_properties import Property, properties

HEAD = "connector.class: quotes\n"
# Written out, not taken from the code: what a connector can't do any harm with.
HARMLESS = {
    "batch.num.messages",
    "batch.size",
    "client.id",
    "compression.codec",
    "compression.level",
    "compression.type",
    "delivery.timeout.ms",
    "linger.ms",
    "message.copy.max.bytes",
    "message.max.bytes",
    "message.timeout.ms",
    "queue.buffering.backpressure.threshold",
    "queue.buffering.max.kbytes",
    "queue.buffering.max.messages",
    "queue.buffering.max.ms",
    "request.timeout.ms",
    "retry.backoff.max.ms",
    "retry.backoff.ms",
    "sticky.partitioning.linger.ms",
}
NAMES = sorted(HARMLESS - {"compression.codec", "message.timeout.ms", "queue.buffering.max.ms"})


@pytest.fixture
def all_properties(tmp_path: Path) -> list[Property]:
    found = properties(tmp_path / "properties.md")
    assert len(found) > 150
    return found


def test_of_every_property_of_the_client_only_the_harmless_may_be_overridden(
    all_properties: list[Property], good: Any, bad: Any
) -> None:
    for each in all_properties:
        line = f"{HEAD}producer.override.{each.name}: {each.sample()}\n"
        if each.name in HARMLESS:
            made = good(line.replace(": 0\n", ": 1\n"))
            assert ALIASES.get(each.name, each.name) in made.options.producer_override
            continue
        (said,) = bad(line)
        assert said.startswith(f"quotes.yaml:2: producer.override.{each.name}: ")
        may_be_set = each.name not in OWNED and not each.code
        assert ("worker.yaml" in said) is may_be_set, said
        assert "unknown" not in said, said


def test_the_list_of_properties_is_the_librarys_own(all_properties: list[Property]) -> None:
    """A property that a newer library has is passed on; one that it has no more is not offered."""
    assert {each.name for each in all_properties if not each.code} >= PROPERTIES
    assert ALLOWED.keys() == HARMLESS
    for each in all_properties:
        assert is_code(each.name) or not each.code, each.name


def test_whatever_sounds_like_a_secret_is_one(all_properties: list[Property]) -> None:
    secret = {each.name for each in all_properties if is_secret(each.name)}
    sounds = {"password", "secret", "passphrase", "key.pem", "oauthbearer.config"}
    assert secret == {
        each.name for each in all_properties if any(sign in each.name for sign in sounds)
    }
    assert len(secret) >= 8


@pytest.mark.parametrize("name", sorted(ALLOWED))
def test_what_is_allowed_is_taken_by_the_client_at_both_ends_of_its_range(name: str) -> None:
    kind = ALLOWED[name]
    ends = [str(kind.least), str(kind.most)] if isinstance(kind, Range) else ["none", "a.b"]
    for end in ends:
        assert not kind.takes(end) or refusal(name, end) is None
    assert any(kind.takes(end) for end in ends)


def test_flat_and_nested_mean_the_same_and_an_alias_is_told_by_its_other_name(good: Any) -> None:
    flat = good(HEAD + "producer.override.linger.ms: 20\nproducer.override.compression.type: lz4\n")
    deep = good(
        HEAD + "producer: {override: {queue.buffering: {max.ms: 20}, compression.codec: lz4}}\n"
    )
    assert flat.options.producer_override == {"linger.ms": "20", "compression.type": "lz4"}
    assert deep.options.producer_override == flat.options.producer_override


def test_exactly_once_is_the_default_and_a_truth_value(good: Any, bad: Any) -> None:
    assert good(HEAD).options.exactly_once is True
    assert good(HEAD + "exactly.once: false\n").options.exactly_once is False
    assert bad(HEAD + "exactly.once: no\n") == [
        'quotes.yaml:2: exactly.once: must be true or false, got "no" (text). Write false.'
    ]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("linger.ms: soon", 'must be a number from 0 to 900000, got "soon" (text).'),
        ("linger.ms: -1", "must be a number from 0 to 900000, got -1 (a number)."),
        ("linger.ms: 900001", "must be a number from 0 to 900000, got 900001 (a number)."),
        ("linger.ms: 1e3", "must be a number from 0 to 900000, got 1000.0 (a number)."),
        ("batch.size: 1.5", "must be a whole number from 1 to 2147483647, got 1.5 (a number)."),
        (
            "batch.size: true",
            "must be a whole number from 1 to 2147483647, got true (a truth value).",
        ),
        (
            "compression.type: zip",
            'must be none or gzip or snappy or lz4 or zstd, got "zip" (text).',
        ),
        (
            'client.id: "a\\nb"',
            'must be 1 to 249 of the characters A-Z a-z 0-9 . _ -, got "a\\nb" (text).',
        ),
        ("linger.mss: 1", "unknown property. Did you mean linger.ms?"),
        ("max.request.size: 1", "is of Java's client. Write producer.override.message.max.bytes."),
        (
            "sasl.jaas.config: x",
            "is not a connector's. Write kafka.sasl.username and sasl.password into worker.yaml.",
        ),
        ("zork.level: x", f"unknown property. There are {', '.join(NAMES)}."),
        (
            "plugin.library.paths: /x.so",
            (
                "is not a connector's: it loads code into the worker. Write kafka.plugin.library.paths"
                " into worker.yaml."
            ),
        ),
        (
            "acks: 1",
            (
                "can't be set: it is part of the exactly-once guarantee, and set by pyconnect. Leave it"
                " out."
            ),
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_line(line: str, said: str, bad: Any) -> None:
    name = line.partition(":")[0]
    assert bad(f"{HEAD}producer.override.{line}\n") == [
        f"quotes.yaml:2: producer.override.{name}: {said}"
    ]


def test_two_names_of_one_property_are_one_too_many(bad: Any) -> None:
    text = HEAD + "producer.override:\n  linger.ms: 5\n  queue.buffering.max.ms: 6\n"
    assert bad(text) == ["quotes.yaml:4: linger.ms: already given in line 3: keep one"]


def test_a_value_that_is_no_map_is_told(bad: Any) -> None:
    assert bad(HEAD + "producer.override: fast\n")[0] == (
        "quotes.yaml:2: producer.override: must be a map. Write producer.override.linger.ms: 20."
    )


def test_what_a_provider_gave_is_not_shown(bad: Any) -> None:
    (said,) = bad(HEAD + "producer.override.batch.size: ${env:SIZE}\n", SIZE="hunter2")
    assert "hunter2" not in said and "what ${env:SIZE} gives" in said


def kafka(**client: str) -> KafkaPlace:
    given = {name.replace("_", "."): value for name, value in client.items()}
    return KafkaPlace(given, "--kafka", "o", "c", "s", transaction_timeout_ms=10_000)


def test_a_record_is_not_waited_for_longer_than_its_transaction(good: Any) -> None:
    made = good(HEAD + "producer.override.message.timeout.ms: 10001\n")
    (problem,) = misfits(made, kafka())
    assert str(problem).endswith(
        "quotes.yaml:2: producer.override.delivery.timeout.ms: is 10001, longer than a transaction"
        " may take (10000). Lower it, or raise transaction.timeout.ms in worker.yaml."
    )
    loose = good(HEAD + "exactly.once: false\nproducer.override.message.timeout.ms: 10001\n")
    assert list(misfits(loose, kafka())) == []


def test_a_worker_s_own_time_may_be_what_does_not_fit(good: Any) -> None:
    (problem,) = misfits(good(HEAD), kafka(delivery_timeout_ms="20000"))
    assert "the worker's kafka.delivery.timeout.ms is 20000" in str(problem)
    assert list(misfits(good(HEAD), kafka(delivery_timeout_ms="0"))) == []


def test_a_record_does_not_linger_longer_than_it_lives(good: Any) -> None:
    made = good(HEAD + "producer.override: {linger.ms: 5000, delivery.timeout.ms: 5000}\n")
    (problem,) = misfits(made, kafka())
    assert "producer.override.linger.ms: is 5000, and a record is given up after 5000 ms" in str(
        problem
    )
