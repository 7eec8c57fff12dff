"""When a topic is ready for the short way."""

from __future__ import annotations

from typing import Any

import pytest

from connectors_core import Record
from connectors_core.api.store import TopicLimits
from connectors_core.converters import StringConverter
from connectors_core.runtime.encode import Encoder, NeedSamples, Room, Route


class Curious(StringConverter):
    """Would learn from samples."""

    def wants_samples(self, topic: str, schema: Any) -> bool:
        return True


def made(value: StringConverter) -> tuple[Encoder, Route]:
    route = Route("t", Room(1, TopicLimits(1000)), None)
    return Encoder({None: route}, StringConverter(), value), route


def test_text_makes_its_topic_ready_where_there_is_nothing_to_learn() -> None:
    """Or every line of a text file would take the long way, at two thirds of the speed."""
    encoder, route = made(StringConverter())
    encoder.row(Record("text"), "{}")
    assert route.ready


def test_text_teaches_nothing_and_maps_are_waited_for() -> None:
    encoder, route = made(Curious())
    encoder.row(Record("text"), "{}")
    assert not route.ready
    with pytest.raises(NeedSamples):
        encoder.row(Record({}), "{}")
