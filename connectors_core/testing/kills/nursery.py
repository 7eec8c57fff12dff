"""Nursery: child processes that live with a source, and may be killed."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from tempfile import TemporaryFile
from typing import Any

from connectors_core.testing.home import Home
from connectors_core.testing.kills.job import Done, Job
from connectors_core.testing.law import Broken

START_SECONDS, JOB_SECONDS = 30.0, 30.0


class Nursery:
    """`async with Nursery(home) as nursery:` starts a process that forks a child for every job.

    `environment` is laid over this one's. Children have this process's sys.path.
    """

    def __init__(self, home: Home, environment: Mapping[str, str] | None = None) -> None:
        self._home = home
        self._environment = {**os.environ, **(environment or {})}

    async def __aenter__(self) -> Nursery:
        self._errors = TemporaryFile()  # noqa: SIM115 - closed at the end of the block
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "connectors_core.testing.kills.zygote",
            json.dumps(sys.path),
            json.dumps(asdict(self._home)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=self._errors,
            env=self._environment,
            start_new_session=True,  # its children are ended with it
        )
        try:
            await self._hear(START_SECONDS)
        except BaseException:
            await self._end()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._end()

    async def do(self, job: Job) -> Done:
        """Have a job done. Raises Broken if it is not done in its time; the child is killed then."""
        assert self._process.stdin is not None
        self._process.stdin.write(job.written())
        await self._process.stdin.drain()
        pid = (await self._hear(START_SECONDS))["pid"]
        try:
            return Done(**await self._hear(JOB_SECONDS))
        except TimeoutError as error:
            os.kill(pid, signal.SIGKILL)
            await self._hear(START_SECONDS)
            place = f" that was to be killed at {job.crash}" if job.crash else ""
            raise Broken(
                f"a worker{place} did not end in {JOB_SECONDS:.0f} s, and wanted"
                f" {'all' if job.count is None else job.count} records. {self._said()}"
            ) from error

    async def _hear(self, seconds: float) -> dict[str, Any]:
        assert self._process.stdout is not None
        async with asyncio.timeout(seconds):
            try:
                # By its length: a reader of lines takes none that is over 64 KiB, and a schema may be.
                length = int(await self._process.stdout.readuntil())
                told = await self._process.stdout.readexactly(length)
            except asyncio.IncompleteReadError as error:
                raise Broken(f"the child process has ended: {self._said()}") from error
        found: dict[str, Any] = json.loads(told)
        return found

    def _said(self) -> str:
        self._errors.seek(0)
        return self._errors.read()[-2000:].decode("utf-8", "replace")

    async def _end(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        if self._process.stdin is not None:
            self._process.stdin.close()
        # Read to its end: a pipe that is full of what nobody reads is never closed.
        await self._process.communicate()
        self._errors.close()
