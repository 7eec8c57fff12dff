"""FileLines: every line once, in order, whatever happens to the file."""

from __future__ import annotations

import asyncio
import os
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connectors_core import Batch, ConfigError, OffsetError, Partition, Record, Reject, Retry
from connectors_core.testing import MemoryContext
from pyconnect_file_lines import FileLines, Options, pyconnect_sources
from pyconnect_file_lines.testing import Upstream

PATIENCE = 10.0


def source(path: Path, context: MemoryContext | None = None, **options: Any) -> FileLines:
    return FileLines(
        Options.model_validate({"path": path, "poll_interval": 0.001} | options),
        context or MemoryContext(),
    )


async def to_the_end(path: Path, context: MemoryContext | None = None, **options: Any) -> list[Any]:
    """Read what is stored after the context's offset; return the values, rejects as they are."""
    context = context or MemoryContext()
    one = source(path, context, follow=False, **options)
    (partition,) = await one.partitions()
    seen = len(context.records)
    await context.run(one, partition)
    return [record.value for record in context.records[seen:]]


@asynccontextmanager
async def following(
    path: Path, context: MemoryContext | None = None, **options: Any
) -> AsyncIterator[Any]:
    """Give a function that waits for the next record or reject; Batches are applied and skipped."""
    context = context or MemoryContext()
    one = source(path, context, **options)
    place = Partition(*(await one.partitions()))
    async with aclosing(one.read(place, context.offsets.get(place))) as items:  # type: ignore[type-var]

        async def following_item() -> Record | Reject:
            while True:
                item = await asyncio.wait_for(anext(items), PATIENCE)
                context.apply(place, item)
                if not isinstance(item, Batch):
                    return item

        yield following_item


async def still_waits(waiting: asyncio.Future[Any]) -> None:
    """Hold for some polls that a read gives nothing and does not end."""
    for _ in range(20):
        await asyncio.sleep(0.001)
        assert not waiting.done()


def append(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.log"


def test_the_plugin_brings_file_lines() -> None:
    assert [cls.name for cls in pyconnect_sources()] == ["file-lines"]


@pytest.mark.parametrize("ending", [b"", b"\n"], ids=["no newline at the end", "newline"])
async def test_resumes_after_every_offset(path: Path, ending: bytes) -> None:
    lines = ["one", "", "three ✓", "", "", "six\r"]
    path.write_bytes("\n".join(lines).encode() + ending)
    expected = ["one", "", "three ✓", "", "", "six"]
    for taken in range(len(lines) + 1):
        context = MemoryContext()
        one = source(path, context, follow=False)
        (partition,) = await one.partitions()
        await context.run(one, partition, limit=taken)
        assert [record.value for record in context.records] == expected[:taken]
        assert await to_the_end(path, context) == expected[taken:]


async def test_offset_is_the_byte_after_the_line_and_the_inode(path: Path) -> None:
    path.write_bytes(b"a\nbcd\n")
    context = MemoryContext()
    await to_the_end(path, context)
    assert [dict(record.offset or {}) for record in context.records] == [
        {"position": 2, "inode": path.stat().st_ino},
        {"position": 6, "inode": path.stat().st_ino},
    ]


async def test_block_edges_lose_and_double_nothing(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [f"{n}{'x' * (n % 7)}" for n in range(50)]
    path.write_text("".join(f"{line}\n" for line in lines))
    for block in range(1, 20):
        monkeypatch.setattr("pyconnect_file_lines.tail.BLOCK", block)
        context = MemoryContext()
        assert await to_the_end(path, context) == lines
        assert [record.offset["position"] for record in context.records if record.offset] == [
            sum(len(line) + 1 for line in lines[: n + 1]) for n in range(len(lines))
        ]


async def test_json_is_exact(path: Path) -> None:
    path.write_bytes(b'{"a":123456789012345678901234567890,"b":1.10,"c":"\\u0000"}\r\n[1e400]\n')
    assert await to_the_end(path, format="json", numbers="decimal") == [
        {"a": 123456789012345678901234567890, "b": Decimal("1.10"), "c": "\0"},
        [Decimal("1e400")],
    ]


@pytest.mark.parametrize(
    "bad",
    [
        b"{",
        b"NaN",
        b"1e400",
        b"\xff",
        b'"\xff"',
        b'"\\ud800"',
        b'"\0"',
        b"[" * 100_000,
        b"{} x",
        b"9" * 5000,
        b"\xef\xbb\xbf{}",
    ],
    ids=lambda bad: repr(bad[:12]),
)
async def test_a_bad_json_line_is_a_reject_and_the_next_goes_on(path: Path, bad: bytes) -> None:
    path.write_bytes(b'{"n":1}\n' + bad + b'\n{"n":2}\n')
    context = MemoryContext()
    assert await to_the_end(path, context, format="json") == [{"n": 1}, {"n": 2}]
    (reject,) = context.rejects
    assert reject.raw == bad
    assert dict(reject.offset or {})["position"] == 8 + len(bad) + 1
    assert reject.reason.startswith("can't read the line: ")


async def test_an_exponent_that_no_decimal_holds_is_a_reject(path: Path) -> None:
    path.write_bytes(b"1e99999999999999999999\n1.5\n")
    context = MemoryContext()
    assert await to_the_end(path, context, format="json", numbers="decimal") == [Decimal("1.5")]
    assert len(context.rejects) == 1


async def test_an_empty_json_line_is_skipped(path: Path) -> None:
    path.write_bytes(b"\n1\n \r\n\n2\n\n")
    context = MemoryContext()
    assert await to_the_end(path, context, format="json") == [1, 2]
    assert not context.rejects


async def test_invalid_utf8_is_a_reject_and_nul_is_text(path: Path) -> None:
    path.write_bytes(b"a\0b\n\xff\xfe\nc\rd\r\n")
    context = MemoryContext()
    assert await to_the_end(path, context) == ["a\0b", "c\rd"]
    assert [reject.raw for reject in context.rejects] == [b"\xff\xfe"]


@pytest.mark.parametrize("ending", [b"", b"\n", b"\nnext\n"])
async def test_a_line_without_end_is_a_reject_in_bounded_memory(path: Path, ending: bytes) -> None:
    size = 32 << 20
    path.write_bytes(b"first\n" + b"x" * size + ending)
    context = MemoryContext()
    tracemalloc.start()
    values = await to_the_end(path, context, max_line=1 << 20)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert values == (["first", "next"] if b"next" in ending else ["first"])
    (reject,) = context.rejects
    assert reject.raw == b"x" * 1024
    assert dict(reject.offset or {})["position"] == 6 + size + bool(ending)
    assert "max_line" in reject.reason
    assert peak < 6 << 20


async def test_a_line_of_max_line_bytes_passes_and_one_more_does_not(path: Path) -> None:
    path.write_bytes(b"a" * 1024 + b"\n" + b" " * 1025 + b"\nb\n" + b"c" * 1025)
    context = MemoryContext()
    values = await to_the_end(path, context, max_line=1024)
    assert values == ["a" * 1024, "b"]
    assert [len(reject.raw) for reject in context.rejects] == [1024, 1024]
    positions = [dict(reject.offset or {})["position"] for reject in context.rejects]
    assert positions == [1025 + 1026, path.stat().st_size]


async def test_an_empty_file_completes_and_gives_nothing(path: Path) -> None:
    path.touch()
    assert await to_the_end(path) == []


async def test_a_partial_last_line_waits_for_its_end(path: Path) -> None:
    path.write_bytes(b"one\ntw")
    async with following(path) as next_item:
        assert (await next_item()).value == "one"
        waiting = asyncio.ensure_future(next_item())
        append(path, b"o")
        await still_waits(waiting)
        append(path, b"\n")
        assert (await waiting).value == "two"


async def test_a_line_taken_without_newline_is_not_followed_by_an_empty_one(path: Path) -> None:
    path.write_bytes(b"one\ntwo")
    context = MemoryContext()
    assert await to_the_end(path, context) == ["one", "two"]
    append(path, b"\nthree\n")
    assert await to_the_end(path, context) == ["three"]


async def test_grows_while_reading(path: Path) -> None:
    expected = [f"{n}" for n in range(300)]
    path.touch()

    async def write() -> None:
        for n, line in enumerate(expected):
            append(path, f"{line[:1]}".encode())
            if n % 10 == 0:
                await asyncio.sleep(0)
            append(path, f"{line[1:]}\n".encode())

    async with following(path) as next_item:
        writer = asyncio.ensure_future(write())
        assert [(await next_item()).value for _ in expected] == expected
        await writer


async def test_a_renamed_file_is_finished_before_the_new_one(path: Path) -> None:
    path.write_bytes(b"one\n")
    async with following(path) as next_item:
        assert (await next_item()).value == "one"
        old = path.rename(path.with_suffix(".1"))
        append(old, b"two\n")
        assert (await next_item()).value == "two"
        append(old, b"three\nfour without newline")
        append(path, b"five\n")
        values = [(await next_item()) for _ in range(3)]
        assert [item.value for item in values] == ["three", "four without newline", "five"]
        assert dict(values[2].offset) == {"position": 5, "inode": path.stat().st_ino}


async def test_a_writer_may_end_the_old_file_after_the_new_one_was_seen(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen, real = asyncio.Event(), os.path.samestat

    def samestat(one: os.stat_result, other: os.stat_result) -> bool:
        if not (same := real(one, other)):
            seen.set()
        return same

    monkeypatch.setattr(os.path, "samestat", samestat)
    path.write_bytes(b"one\n")
    async with following(path, poll_interval=0.2) as next_item:
        assert (await next_item()).value == "one"
        old = path.rename(path.with_suffix(".1"))
        append(path, b"four\n")
        for late in ("two", "three"):
            seen.clear()
            waiting = asyncio.ensure_future(next_item())
            noticed = asyncio.ensure_future(seen.wait())
            await asyncio.wait({waiting, noticed}, return_when=asyncio.FIRST_COMPLETED)
            noticed.cancel()
            append(old, f"{late}\n".encode())
            assert (await waiting).value == late
        assert (await next_item()).value == "four"


async def test_a_renamed_file_is_followed_until_there_is_a_new_one(path: Path) -> None:
    path.write_bytes(b"one\n")
    async with following(path) as next_item:
        assert (await next_item()).value == "one"
        old = path.rename(path.with_suffix(".1"))
        waiting = asyncio.ensure_future(next_item())
        await still_waits(waiting)
        append(old, b"two\n")
        assert (await waiting).value == "two"


async def test_a_truncated_file_is_read_from_its_start(path: Path) -> None:
    """The next record may have the offset of the last one, so one of 0 MUST lie between them."""
    path.write_bytes(b"a\n")
    context = MemoryContext()
    one = source(path, context)
    async with aclosing(one.read(Partition(), None)) as items:  # type: ignore[type-var]
        offsets = [(await anext(items)).offset]
        waiting = asyncio.ensure_future(anext(items))
        await asyncio.sleep(0.01)
        path.write_bytes(b"")
        item = await asyncio.wait_for(waiting, PATIENCE)
        assert isinstance(item, Batch)
        offsets.append(item.offset)
        append(path, b"b\n")
        offsets.append((await asyncio.wait_for(anext(items), PATIENCE)).offset)
    assert [dict(offset or {})["position"] for offset in offsets] == [2, 0, 2]
    assert {"gap": "after byte 2 when the file was truncated"} in [x for _, x in context.reported]


async def test_truncated_while_stopped(path: Path) -> None:
    path.write_bytes(b"one\ntwo\n")
    context = MemoryContext()
    await to_the_end(path, context)
    path.write_bytes(b"new\n")
    assert await to_the_end(path, context) == ["new"]
    assert {"gap": "after byte 8 of the file before this one"} in [x for _, x in context.reported]


async def test_rotated_while_stopped(path: Path) -> None:
    path.write_bytes(b"one\ntwo\n")
    context = MemoryContext()
    await to_the_end(path, context)
    path.rename(path.with_suffix(".1"))
    path.write_bytes(b"three is longer than both\nfour\n")
    assert await to_the_end(path, context) == ["three is longer than both", "four"]
    assert {"gap": "after byte 8 of the file before this one"} in [x for _, x in context.reported]


async def test_a_position_inside_a_line_is_an_offset_error(path: Path) -> None:
    path.write_bytes(b"one\ntwo\n")
    context = MemoryContext()
    await to_the_end(path, context)
    with path.open("r+b") as file:
        file.write(b"other words of the same inode\n")
    with pytest.raises(OffsetError, match=r"byte 8 .*offset\.reset"):
        await to_the_end(path, context)


@pytest.mark.parametrize("position", [None, -1, "8", 1.5])
async def test_an_offset_of_something_else_is_an_offset_error(path: Path, position: Any) -> None:
    path.write_bytes(b"one\n")
    context = MemoryContext()
    context.apply({"path": str(path)}, Batch(offset={"position": position}))
    with pytest.raises(OffsetError, match="position must be"):
        await to_the_end(path, context)


async def test_an_offset_without_inode_is_taken(path: Path) -> None:
    path.write_bytes(b"one\ntwo\n")
    context = MemoryContext()
    context.apply({"path": str(path)}, Batch(offset={"position": 4}))
    assert await to_the_end(path, context) == ["two"]


@pytest.mark.parametrize(("there", "rest"), [(b"old\n", b""), (b"old\nhal", b"f"), (b"", b"")])
async def test_from_end_takes_what_comes_later_even_while_stopped(
    path: Path, there: bytes, rest: bytes
) -> None:
    path.write_bytes(there)
    context = MemoryContext()
    assert await to_the_end(path, context, **{"from": "end"}) == (["hal"] if rest else [])
    first = MemoryContext()
    one = source(path, first, **{"from": "end"})
    (partition,) = await one.partitions()
    await first.run(one, partition, limit=1)
    append(path, rest + b"\nnew\n" if rest else b"new\n")
    values = await to_the_end(path, first, **{"from": "end"})
    assert values == (["half", "new"] if rest else ["new"])


async def test_a_missing_file_is_tried_again(path: Path) -> None:
    with pytest.raises(Retry, match=r"can't read .*a\.log: No such file") as caught:
        await to_the_end(path)
    assert caught.value.after == 0.001


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
async def test_a_file_that_may_not_be_read_is_tried_again(path: Path) -> None:
    path.touch(mode=0)
    with pytest.raises(Retry, match="Permission denied"):
        await to_the_end(path)


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo], ids=["directory", "pipe"])
async def test_what_is_no_regular_file_is_a_config_error(path: Path, make: Any) -> None:
    make(path)
    with pytest.raises(ConfigError, match="not a regular file"):
        await to_the_end(path)


@pytest.mark.slow
async def test_reports_how_far_behind_it_is(path: Path) -> None:
    path.write_bytes(b"one\n" * 400_000)
    context = MemoryContext()
    await to_the_end(path, context)
    lags = [facts["lag_bytes"] for _, facts in context.reported if "lag_bytes" in facts]
    assert lags[0] == 1_600_000 - (1 << 20)
    assert lags[-1] == 0


async def test_the_upstream_gives_what_it_expects() -> None:
    async with Upstream(lines=5, interval=0.001) as upstream:
        path = Path(upstream.config()["path"])
        async with following(path) as next_item:
            values = [(await next_item()).value for _ in range(8)]
        assert values == upstream.expected()[:8]
    assert not path.exists()
