"""A paced source for brokers that fail: every record says its partition and its number."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator
from typing import Any

from pydantic import Field

from connectors_core import Config, Record, Source

STEP_SECONDS = 0.02


class Options(Config):
    """How fast to give."""

    per_second: int = Field(2000, ge=1, description="Records a second, of all partitions.")
    partitions: int = Field(3, ge=1, description="How many partitions.")
    padding: int = Field(0, ge=0, description="Bytes that each record has beside its number.")


class Paced(Source[Options]):
    """Numbers without end, as many a second as was asked for, and never more to catch up."""

    name = "paced"

    async def partitions(self) -> list[dict[str, int]]:
        return [{"p": p} for p in range(self.config.partitions)]

    async def read(self, partition: Any, offset: Any) -> AsyncIterator[Record]:
        n, p = offset["n"] if offset else 0, partition["p"]
        burst = max(1, round(self.config.per_second * STEP_SECONDS / self.config.partitions))
        due = time.monotonic()
        while True:
            for _ in range(burst):
                n += 1
                value = {"p": p, "n": n}
                if self.config.padding:
                    # What producers can't compress: brokers get so many bytes.
                    value["x"] = random.randbytes(self.config.padding // 2).hex()
                yield Record(value, offset={"n": n}, kafka_partition=p)
            due = max(due + STEP_SECONDS, time.monotonic())
            await asyncio.sleep(due - time.monotonic())
