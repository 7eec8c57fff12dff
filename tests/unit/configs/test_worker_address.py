"""The addresses of a cluster, as people write them."""

from __future__ import annotations

import pytest

from connectors_core.api.errors import ConfigError
from connectors_core.configs.worker.find import place
from connectors_core.configs.worker.place import Asked


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "has no address."),
        (" , ", "has no address."),
        ("a:1,", "a comma too many."),
        ("a", "Write a:9092"),
        ("a:b", "is no address."),
        ("a:0", "a port is a number from 1 to 65535."),
        ("a:65536", "a port is a number from 1 to 65535."),
        ("a b:1", "is no address."),
        ("http://a:1/", "Write a:1, and the protocol as security.protocol."),
        ("::1", "Write [::1]:9092."),
        ("2001:db8::1:9092", "Write [2001:db8::1]:9092."),
        ("[::1]", "Write [::1]:9092"),
        ("[::g]:1", "is no address."),
        ("[1]:1", "no IPv6 address."),
    ],
)
def test_an_address_that_can_t_be_used_has_its_cure(text: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        place(Asked(kafka=text), {})
    assert str(caught.value).startswith("--kafka: ") and said in str(caught.value)


@pytest.mark.parametrize("text", ["a:1", "a-b.c_d:65535", "127.0.0.1:9092", "[::1]:9092,b:1"])
def test_an_address_that_can_be_used_is_taken_as_it_is(text: str) -> None:
    found = place(Asked(kafka=text), {}).kafka
    assert found is not None and found.address == text
