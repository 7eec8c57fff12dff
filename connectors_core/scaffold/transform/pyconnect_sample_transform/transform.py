from connectors_core import Config, DataError, Record, Transform
from pydantic import Field


class Options(Config):
    fields: list[str] = Field(description="The fields of the value that are left out.")


class SampleTransform(Transform[Options]):
    """Leaves fields of the value out."""

    name = "sample-transform"

    def apply(self, record: Record) -> Record:
        if not isinstance(record.value, dict):
            raise DataError(f"sample-transform: the value must be a map, got {record.value!r:.80}.")
        left_out = set(self.config.fields)
        record.value = {key: each for key, each in record.value.items() if key not in left_out}
        return record
