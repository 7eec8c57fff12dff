import pytest
from connectors_core import DataError, Record
from pydantic import ValidationError

from pyconnect_sample_transform import transform


def applied(record: Record, **options: object) -> Record:
    config = transform.Options.model_validate(options)
    return transform.SampleTransform(config).apply(record)


def test_fields_are_left_out_and_the_rest_stays() -> None:
    record = applied(Record({"id": 1, "phone": "010"}, key="a"), fields=["phone", "other"])
    assert (record.key, record.value) == ("a", {"id": 1})


def test_a_value_that_is_no_map_is_an_error_of_its_record() -> None:
    with pytest.raises(DataError, match="must be a map, got 'text'"):
        applied(Record("text"), fields=["phone"])


def test_a_misspelt_option_is_refused() -> None:
    with pytest.raises(ValidationError, match="feilds"):
        applied(Record({}), fields=[], feilds=["phone"])
