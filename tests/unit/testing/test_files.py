from __future__ import annotations

from connectors_core.testing import FileUpstream


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
