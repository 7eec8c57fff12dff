"""How events become windows, whatever is replayed and wherever the process dies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors_core import Batch, OffsetError
from connectors_core.testing import MemoryContext
from pyconnect_keyword_trends.config import TrendsConfig
from pyconnect_keyword_trends.event import parse
from pyconnect_keyword_trends.ledger import Ledger
from pyconnect_keyword_trends.record import Gap, KeywordTrend
from pyconnect_keyword_trends.testing.scripted import expected, post

PLACE = {"provider": "jetstream"}
BASE = 1_788_318_000_000_000
SECOND = 1_000_000
HOUR = 3600 * SECOND
TEXTS = ("삼성전자가 올랐다", "kafka kafka", "nothing", "python and kafka", "삼성 반도체")


def config(**options: Any) -> TrendsConfig:
    """Make a config with windows of 10 s that close 2 s late."""
    plain = {
        "provider": "jetstream",
        "keywords": ["삼성전자", "삼성", "kafka", "python"],
        "window": 10_000,
        "max_out_of_order": 2000,
    }
    return TrendsConfig.model_validate({**plain, **options})


class Server:
    """Plays a script to a Ledger as a worker would, dying after the Batches in `kills`."""

    def __init__(self, context: MemoryContext | None = None, **options: Any) -> None:
        self.context = context or MemoryContext()
        self.config = config(**options)
        self.batches = 0
        self.facts: Counter[str] = Counter()

    def play(
        self,
        frames: Iterable[str],
        *,
        every: int = 3,
        kills: Collection[int] = (),
        extra: int = 0,
        floor: int = 0,
        idle: float = 0.0,
        wall: int = 0,
    ) -> Server:
        """Connect, hear all that the cursor asks for, a Batch after `every` frames; on a kill,
        connect again. `idle` seconds of silence follow."""
        script = list(frames)
        while not self._connection(script, every, set(kills), extra, floor, idle, wall):
            pass
        return self

    def _connection(self, script: list[str], every: int, kills: set[int], extra: int, floor: int,
                    idle: float, wall: int) -> bool:  # fmt: skip
        offset = self.context.offsets.get(_place())
        ledger = Ledger(self.config, self.context.state(PLACE), offset, wall)
        asked = 0 if ledger.cursor is None else ledger.cursor - self.config.rewind_us - extra
        if not self._store(ledger, kills, wall):
            return False
        for number, frame in enumerate(f for f in script if parse(f).us >= max(asked, floor)):
            ledger.add(parse(frame))
            if number % every == every - 1 and not self._store(ledger, kills, wall):
                return False
        for _ in range(round(idle * 4)):
            ledger.idle(SECOND // 4)
            if not self._store(ledger, kills, wall):
                return False
        done = self._store(ledger, kills, wall)
        self.facts.update(ledger.facts)
        return done

    def _store(self, ledger: Ledger, kills: set[int], wall: int) -> bool:
        for batch in ledger.batches(wall):
            self.context.apply(PLACE, batch)
            self.batches += 1
            if self.batches in kills:
                return False
        return True

    @property
    def told(self) -> Counter[tuple[str, int, int, int, int, bool]]:
        """All KeywordTrends as (keyword, window start, messages, occurrences, authors, incomplete),
        the start in s after BASE."""
        values = [r.value for r in self.context.records if isinstance(r.value, KeywordTrend)]
        return Counter(
            (
                v.keyword,
                round(v.window_start.timestamp()) - BASE // SECOND,
                v.messages,
                v.occurrences,
                v.authors,
                v.incomplete,
            )
            for v in values
        )

    @property
    def gaps(self) -> list[Gap]:
        """All Gaps."""
        return [r.value for r in self.context.records if isinstance(r.value, Gap)]


def _place() -> Any:
    from connectors_core import Partition

    return Partition(PLACE)


def said(second: float, text: str = "kafka", author: str = "a", **more: Any) -> str:
    """Return a post `second` s after BASE."""
    return post(BASE + round(second * SECOND), author, text, **more)


def script(count: int = 120, step: float = 0.5) -> list[str]:
    """Return a script of many windows, with some disorder inside the bound, that ends all."""
    times = [number * step + (0.0, 1.2, -0.4)[number % 3] for number in range(count)]
    posts = [
        said(1 + second, TEXTS[number % len(TEXTS)], f"author{number % 7}", rkey=f"r{number}")
        for number, second in enumerate(times)
    ]
    return [said(0, "first"), *posts, said(count * step + 60, "last")]


def counted(frames: list[str], server: Server) -> dict[tuple[str, int, int, int, int], int]:
    """Return what the script counts to, as `told` has it, windows with a match only."""
    return {
        (keyword, start // 1000 - BASE // SECOND, *counts): 1
        for (keyword, start), counts in expected(frames, server.config).items()
    }


def matched(server: Server) -> dict[tuple[str, int, int, int, int], int]:
    """Return the windows told with a match, and how often each was told."""
    return {place[:5]: times for place, times in server.told.items() if place[2]}


def test_counts_are_those_of_the_script() -> None:
    server = Server().play(script())
    assert matched(server) == counted(script(), server)
    assert server.facts["late_dropped"] == 0


def test_a_kill_after_any_batch_changes_nothing() -> None:
    whole = Server().play(script())
    assert whole.batches > 40
    for kill in range(1, whole.batches + 1):
        killed = Server().play(script(), kills={kill})
        assert killed.told == whole.told, kill
        assert killed.context.offsets == whole.context.offsets


def test_a_kill_after_every_batch_changes_nothing() -> None:
    whole = Server().play(script())
    killed = Server().play(script(), kills=range(1, 2000))
    assert killed.told == whole.told
    assert killed.facts["duplicates"] > 0


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 1900), st.integers(0, 4), st.integers(0, 3)), max_size=60),
    st.integers(1, 9),
    st.sets(st.integers(1, 60), max_size=6),
    st.sampled_from([0, 3 * SECOND, HOUR]),
)
def test_any_script_with_any_kills_is_counted_once(
    steps: list[tuple[int, int, int]], every: int, kills: set[int], extra: int
) -> None:
    frames = [said(0, "first")]
    for number, (back, text, author) in enumerate(steps):
        second = 1 + number * 0.7 + (1.9 - back / 1000)
        frames.append(said(second, TEXTS[text], f"a{author}", rkey=f"r{number}"))
    frames.append(said(len(steps) * 0.7 + 60, "last"))
    server = Server().play(frames, every=every, kills=kills, extra=extra)
    assert matched(server) == counted(frames, server)


def test_an_inclusive_cursor_counts_nothing_twice() -> None:
    frames = [said(1), said(2, rkey="x"), said(2, rkey="y")]
    server = Server().play(frames).play(frames).play([*frames, said(30, "last")])
    assert server.told[("kafka", 0, 3, 3, 1, True)] == 1
    assert server.facts["duplicates"] > 0


def test_a_server_that_replays_an_hour_more_counts_nothing_twice() -> None:
    frames = [said(second) for second in range(0, 120, 3)]
    server = Server().play(frames)
    before = server.told
    offset = server.context.offsets[_place()]
    server.play(frames, extra=HOUR)
    assert server.told == before
    assert server.context.offsets[_place()] == offset
    assert server.facts["replayed"] > 0
    assert server.facts["late_dropped"] == 0


def test_a_post_dropped_at_the_seam_is_counted_from_the_rewind() -> None:
    late = said(8)
    frames = [said(1), said(11)]
    server = Server().play(frames)
    server.play([said(1), late, said(11), said(40, "last")])
    assert server.told[("kafka", 0, 2, 2, 1, True)] == 1


def test_a_silent_clamp_is_declared() -> None:
    server = Server().play([said(1), said(15)])
    server.play([said(100_000), said(100_011), said(100_030, "last")], floor=BASE + HOUR)
    (gap,) = server.gaps
    assert gap.reason == "cursor-too-old"
    assert gap.gap_start.timestamp() == BASE // SECOND + 15
    assert gap.gap_end.timestamp() == BASE // SECOND + 100_000
    assert server.told[("kafka", 10, 1, 1, 1, True)] == 1
    assert server.told[("kafka", 100_000, 1, 1, 1, True)] == 0
    assert server.told[("kafka", 100_000, 1, 1, 1, False)] == 1


def test_windows_in_a_gap_are_never_told_as_zero() -> None:
    server = Server().play([said(1), said(15)])
    server.play([said(100_005), said(100_040, "last")], floor=BASE + HOUR)
    told = {place[:3] for place in server.told if place[0] == "python"}
    # 0 is the first window, 10 to 100,000 are touched by the gap.
    assert told == {("python", 100_010, 0), ("python", 100_020, 0)}
    assert server.told[("kafka", 100_000, 1, 1, 1, True)] == 1


def test_a_gap_is_declared_once_wherever_the_process_dies() -> None:
    after = [said(100_000), said(100_011), said(100_030, "last")]
    for kill in range(1, 9):
        server = Server().play([said(1), said(15)])
        server.batches = 0
        server.play(after, every=1, kills={kill}, floor=BASE + HOUR)
        assert len(server.gaps) == 1, kill


def test_a_small_hole_and_a_quiet_stream_are_no_gap() -> None:
    server = Server().play([said(1), said(15)]).play([said(15), said(900, "python")])
    assert server.gaps == []
    assert server.told[("kafka", 500, 0, 0, 0, False)] == 1


def test_a_jump_of_hours_while_connected_is_a_gap() -> None:
    server = Server().play([said(1), said(15), said(10_000), said(10_030, "last")])
    assert [gap.reason for gap in server.gaps] == ["silence"]
    assert server.batches < 20


def test_the_first_window_is_incomplete_unless_heard_from_its_start() -> None:
    half = Server().play([said(3), said(13), said(40, "last")])
    assert half.told[("kafka", 0, 1, 1, 1, True)] == 1
    assert half.told[("kafka", 10, 1, 1, 1, False)] == 1
    assert not [place for place in half.told if place[:2] == ("python", 0)]
    whole = Server().play([said(0), said(40, "last")])
    assert whole.told[("kafka", 0, 1, 1, 1, False)] == 1


def test_zero_is_told_when_all_was_heard() -> None:
    server = Server().play([said(0), said(45, "last")])
    zeros = sorted(place[1] for place in server.told if place[0] == "python")
    assert zeros == [0, 10, 20, 30]


def test_one_author_with_50_posts_is_one_author() -> None:
    posts = [said(1 + number / 10, rkey=f"r{number}") for number in range(50)]
    server = Server().play([said(0, "first"), *posts, said(40, "last")])
    assert server.told[("kafka", 0, 50, 50, 1, False)] == 1


def test_an_author_who_is_known_needs_no_room() -> None:
    posts = [said(1 + number / 10, rkey=f"r{number}") for number in range(5)]
    server = Server(authors_max=1).play([said(0, "first"), *posts, said(40, "last")])
    value = next(r.value for r in server.context.records if r.value.keyword == "kafka")
    assert (value.authors, value.authors_exact) == (1, True)


def test_the_cursor_never_moves_back() -> None:
    ledger = Ledger(config(), MemoryContext().state(PLACE), None, 0)
    ledger.add(parse(said(2)))
    list(ledger.batches(0))
    ledger.add(parse(said(1)))
    (batch,) = ledger.batches(0)
    assert (ledger.cursor, batch.offset) == (BASE + 2 * SECOND, None)


def test_authors_above_the_bound_are_declared() -> None:
    posts = [said(1 + number / 100, author=f"a{number}") for number in range(600)]
    frames = [said(0, "first"), *posts, said(40, "last")]
    exact = Server(authors_max=600).play(frames, kills={50, 90, 130})
    capped = Server(authors_max=500).play(frames, kills={50, 90, 130})
    value = next(r.value for r in exact.context.records if r.value.keyword == "kafka")
    assert (value.messages, value.authors, value.authors_exact) == (600, 600, True)
    value = next(r.value for r in capped.context.records if r.value.keyword == "kafka")
    assert (value.messages, value.authors, value.authors_exact) == (600, 500, False)


def test_a_post_within_the_bound_counts_and_one_beyond_is_declared() -> None:
    frames = [said(0), said(11.9), said(9.9), said(12.1), said(9.8), said(40, "last")]
    server = Server().play(frames, every=100)
    assert server.told[("kafka", 0, 2, 2, 1, False)] == 1
    assert server.facts["late_dropped"] == 1


def test_late_posts_do_not_depend_on_where_batches_end() -> None:
    frames = [said(0), said(11.9), said(9.9), said(12.1), said(9.8), said(40, "last")]
    told = [Server().play(frames, every=every).told for every in range(1, 8)]
    assert told == [told[0]] * 7


def test_silence_closes_windows_by_the_clock() -> None:
    server = Server(idle_close=3000).play([said(0), said(5)], idle=6.5)
    assert server.told == {}
    server = Server(idle_close=3000).play([said(0), said(5)], idle=7.25)
    assert server.told[("kafka", 0, 2, 2, 1, False)] == 1
    server = Server(idle_close=3000).play([said(0), said(5)], idle=28)
    assert sorted(p[1] for p in server.told if p[0] == "python") == [0, 10, 20]


def test_a_silence_shorter_than_idle_close_moves_no_time() -> None:
    server = Server(idle_close=30_000).play([said(0), said(9.9)], idle=29.5)
    assert server.told == {}


def test_a_replay_that_stalls_after_an_outage_closes_nothing() -> None:
    server = Server(idle_close=3000).play([said(0), said(5)], wall=1_000_000)
    server.play([said(0), said(5)], idle=60, wall=1_000_000 + 600_000)
    assert server.told == {}
    server.play([said(0), said(5), said(6), said(600, "now")], idle=0, wall=1_000_000 + 600_000)
    assert server.told[("kafka", 0, 3, 3, 1, False)] == 1


def test_silence_goes_on_over_a_reconnect() -> None:
    server = Server(idle_close=3000).play([said(0), said(5)], idle=6, wall=1_000_000)
    server.play([said(0), said(5)], idle=8, wall=1_000_000 + 10_000)
    assert server.told[("kafka", 0, 2, 2, 1, False)] == 1


def test_a_new_keyword_is_incomplete_in_the_window_that_it_came_in() -> None:
    first = Server(keywords=["kafka"]).play([said(0), said(3)])
    frames = [said(0), said(3), said(4, "python"), said(11, "python"), said(40, "last")]
    second = Server(first.context, keywords=["kafka", "python"]).play(frames)
    assert second.told[("python", 0, 1, 1, 1, True)] == 1
    assert second.told[("python", 10, 1, 1, 1, False)] == 1
    assert second.told[("kafka", 0, 2, 2, 1, False)] == 1


def test_a_removed_keyword_is_told_as_far_as_it_was_counted() -> None:
    first = Server(keywords=["kafka", "python"]).play([said(0), said(3, "python")])
    second = Server(first.context, keywords=["kafka"]).play([said(3), said(40, "last")])
    assert second.told[("python", 0, 1, 1, 1, True)] == 1
    assert ("python", 10, 0, 0, 0, False) not in second.told


def test_another_length_of_windows_tells_the_open_ones_and_goes_on() -> None:
    first = Server().play([said(0), said(3), said(13)])
    second = Server(first.context, window=20_000).play([said(13), said(25), said(60, "last")])
    ends = {(r.value.window_start.timestamp() - BASE // SECOND, r.value.window_end.timestamp()
             - BASE // SECOND, r.value.messages, r.value.incomplete)
            for r in second.context.records if r.value.keyword == "kafka"}  # fmt: skip
    assert ends == {(0, 10, 2, False), (10, 20, 1, True), (20, 40, 1, False)}


def test_a_batch_holds_at_most_a_few_hundred_records_more() -> None:
    many = [f"keyword{number}" for number in range(1300)]
    server = Server(keywords=many).play([said(0, "keyword7"), said(25, "last")], kills={3, 4, 5})
    assert sum(server.told.values()) == 2600
    assert set(server.told.values()) == {1}
    ledger = Ledger(config(keywords=many), MemoryContext().state(PLACE), None, 0)
    ledger.add(parse(said(0)))
    ledger.add(parse(said(25)))
    assert [len(batch.records) for batch in ledger.batches(0)] == [500] * 5 + [100]


def test_state_is_bounded_by_the_rewind_and_the_open_windows() -> None:
    server = Server().play(script(count=1200))
    rows = server.context.state(PLACE).rows
    assert len([key for key in rows if key.startswith("count|")]) == 0
    assert len([key for key in rows if key.startswith("authors|")]) == 0
    assert len([key for key in rows if key.startswith("seen|")]) <= 1


def test_the_offset_and_what_it_stands_for_are_one_batch() -> None:
    ledger = Ledger(config(), MemoryContext().state(PLACE), None, 0)
    list(ledger.batches(0))
    ledger.add(parse(said(1)))
    (batch,) = ledger.batches(0)
    assert isinstance(batch, Batch)
    assert batch.offset == {"cursor": BASE + SECOND}
    assert {key.split("|")[0] for key in batch.state} == {"count", "authors", "seen", "timeline"}
    assert list(ledger.batches(0)) == []


def test_a_record_names_its_window_and_has_an_event_id_of_its_own() -> None:
    one, two = (Server().play(script(), kills=kills).context.records for kills in ((), {9, 17}))
    assert len({record.key for record in one}) == len(one)
    assert len({dict(record.headers)["event_id"] for record in one}) == len(one)
    key = sorted((record.key, tuple(record.headers)) for record in one)
    assert key == sorted((record.key, tuple(record.headers)) for record in two)
    first = next(record for record in one if record.value.keyword == "kafka")
    assert first.key == f"jetstream:kafka:{BASE // 1000}"
    assert first.timestamp == BASE // 1000 + 10_000


def test_samples_are_few_and_hold_what_can_be_stored() -> None:
    frames = [said(0, "first")] + [said(1 + n, "kafka \ud83d" + "x" * 400) for n in range(5)]
    server = Server(samples=2).play([*frames, said(40, "last")])
    value = next(r.value for r in server.context.records if r.value.keyword == "kafka")
    assert [len(sample.text) for sample in value.samples] == [300, 300]
    assert value.samples[0].text.startswith("kafka \ufffdx")
    assert value.samples[0].id.startswith("at://did:plc:a/app.bsky.feed.post/")


@pytest.mark.parametrize("offset", [{"cursor": 7}, {"cursor": "x"}, {"cursor": True}, {"cursor": BASE, "bad": 1}])  # fmt: skip
def test_an_offset_of_another_kind_is_refused(offset: dict[str, Any]) -> None:
    with pytest.raises(OffsetError, match="cursor must be microseconds"):
        Ledger(config(), MemoryContext().state(PLACE), offset, 0)
