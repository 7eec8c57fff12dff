"""What frames say."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from pyconnect_keyword_trends.event import FrameError, clean, parse
from pyconnect_keyword_trends.testing.scripted import post

US = 1_788_318_000_100_000


def frame(**changes: Any) -> str:
    """Return a good frame with some of it changed."""
    return json.dumps({**json.loads(post(US, "a", "hello")), **changes})


def test_a_post_is_read() -> None:
    event = parse(post(US, "a", "안녕", rkey="k"))
    assert (event.us, event.author, event.text) == (US, "did:plc:a", "안녕")
    assert event.id == "at://did:plc:a/app.bsky.feed.post/k"


def test_the_clock_of_the_author_is_ignored() -> None:
    for created in ("2031-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "nonsense", None, 7):
        assert parse(post(US, "a", "x", createdAt=created)).us == US


COMMITS: list[dict[str, Any]] = [
    {"operation": "delete"},
    {"operation": "update"},
    {"collection": "app.bsky.feed.like"},
    {"record": None},
    {"record": {"text": 5}},
    {"record": {}},
    {"rev": None},
]


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "identity", "commit": None},
        {"kind": "account", "commit": None},
        {"kind": "of the future"},
        {"commit": "no object"},
        {"did": 7},
        *({"commit": {**json.loads(post(US, "a", "x"))["commit"], **part}} for part in COMMITS),
    ],
)
def test_what_is_no_new_post_only_tells_the_time(changes: dict[str, Any]) -> None:
    event = parse(frame(**changes))
    assert event.us == US
    assert event.text is None


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[1]", "a JSON list"),
        ("null", "a JSON NoneType"),
        (b"\x28\xb5\x2f\xfd", "binary"),
        (frame(time_us=None), "time_us"),
        (frame(time_us=True), "time_us"),
        (frame(time_us=1.5e15), "time_us"),
        (frame(time_us=float("nan")), "time_us"),
        (frame(time_us="1788318000100000"), "time_us"),
        (frame(time_us=12345), "time_us"),
        (frame(time_us=2**63), "time_us"),
        ('{"$type":"message","payload":{"seq":1}}', "v2 frame"),
    ],
)
def test_a_frame_without_a_time_is_refused_with_a_reason(raw: str | bytes, said: str) -> None:
    with pytest.raises(FrameError, match=said):
        parse(raw)


def test_the_mark_tells_posts_apart_and_replays_not() -> None:
    one = parse(post(US, "a", "x", rkey="1")).mark
    assert one == parse(post(US, "a", "y", rkey="1")).mark
    assert one != parse(post(US, "b", "x", rkey="1")).mark
    assert one != parse(post(US, "a", "x", rkey="2")).mark


def test_half_a_surrogate_pair_becomes_what_can_be_stored() -> None:
    assert clean("a\ud83db\U0001f600") == "a\ufffdb\U0001f600"


def test_the_recorded_frames_are_read() -> None:
    folder = os.environ.get("PYCONNECT_CASES")
    if not folder:
        pytest.skip("PYCONNECT_CASES is unset")
    lines = Path(folder, "trends/jetstream.jsonl").read_text("utf-8").splitlines()
    said = [line for line in map(json.loads, lines) if line["dir"] == "in"]
    posts = []
    for line in said:
        if line["wire"] == "v2":
            with pytest.raises(FrameError, match="v2 frame"):
                parse(line["raw"])
        elif (event := parse(line["raw"])).text is not None:
            posts.append((event.us, event.text))
    assert len(said) == 15
    assert posts == [
        (1732206349000167, "aaaaah.  LIght shines in a corner of WTF...."),
        (1732206349001905, "okay i take mine back because I hadn’t heard this one yet^^"),
        (1788318000100000, "삼성전자 실적 발표, 반도체 반등?"),
        (1788318000200000, "반도체 반도체 반도체"),
        (1788318000300000, "Bitcoin and $BTC again #bitcoin"),
        (1788318000400000, "future createdAt: clock skew of the author"),
    ]
