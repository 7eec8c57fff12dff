from __future__ import annotations

import pytest

from connectors_core.testing import FileUpstream
from connectors_core.testing.upstream.faults import HOSTILE


async def test_a_file_grows_is_rotated_truncated_and_removed() -> None:
    async with FileUpstream(["one"], "a.log") as upstream:
        upstream.append("two", "three")
        upstream.write("half")
        assert upstream.path.read_text() == "one\ntwo\nthree\nhalf"
        old = upstream.rotate()
        assert (old.name, upstream.path.read_text()) == ("a.log.1", "")
        upstream.append("four")
        assert upstream.lines == ["one", "two", "three", "four"]
        assert upstream.rotate().name == "a.log.2"
        upstream.append("five")
        upstream.truncate()
        assert upstream.path.read_text() == ""
        upstream.remove()
        assert not upstream.path.exists()
        folder = upstream.path.parent
    assert not folder.exists()


@pytest.mark.parametrize(
    ("kind", "error"), [("refused", FileNotFoundError), ("server-error", OSError)]
)
async def test_a_file_is_hidden_and_is_the_same_again(kind: str, error: type[OSError]) -> None:
    async with FileUpstream(["one"]) as upstream:
        inode = upstream.path.stat().st_ino
        await upstream.fault(kind)
        with pytest.raises(error):
            upstream.path.read_text()
        await upstream.fault("none")
        assert (upstream.path.read_text(), upstream.path.stat().st_ino) == ("one\n", inode)


@pytest.mark.parametrize("kind", HOSTILE)
async def test_the_last_line_of_a_file_is_bad_until_it_is_taken_away(kind: str) -> None:
    async with FileUpstream(['{"n": 1, "text": "one"}']) as upstream:
        await upstream.fault(kind)
        first, last, end = upstream.path.read_bytes().split(b"\n")
        assert (first, end) == (b'{"n": 1, "text": "one"}', b"")
        assert last != first
        assert len(last) > 50_000_000 or kind != "huge"
        await upstream.fault("none")
        assert upstream.path.read_bytes() == first + b"\n"
        assert upstream.lines == [first.decode()]


async def test_a_file_knows_no_fault_of_a_network() -> None:
    async with FileUpstream(["one"]) as upstream:
        with pytest.raises(NotImplementedError):
            await upstream.fault("half-open")
        assert upstream.path.read_text() == "one\n"
