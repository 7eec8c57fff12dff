"""Sources that break one law each, and nothing else: what the contract is tested with."""

from tests.hostile.mutants import (
    of_far_side,
    of_life,
    of_offsets,
    of_options,
    of_partitions,
    of_privacy,
    of_readings,
)
from tests.hostile.mutants.breaking import MUTANTS

__all__ = [
    "MUTANTS",
    "of_far_side",
    "of_life",
    "of_offsets",
    "of_options",
    "of_partitions",
    "of_privacy",
    "of_readings",
]
