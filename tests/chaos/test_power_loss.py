"""A power cut at any instant loses nothing that a commit had acknowledged."""

from __future__ import annotations

import random
import shutil
from functools import partial
from pathlib import Path

import apsw
import pytest

from connectors_core.api.errors import StoreError
from connectors_core.api.store import Row, Transaction
from connectors_core.stores.embedded import EmbeddedReader, EmbeddedStore
from tests.chaos.faulty_disk import FaultyDisk

COMMITS = 60
PLACE = ("c", "{}")


class PowerCuts:
    """Takes images of a disk at random operations, each with what was acknowledged by then."""

    def __init__(self, disk: FaultyDisk, where: Path, every: int, seed: int) -> None:
        self.images: list[tuple[Path, int, str]] = []
        self.acknowledged = 0
        self._disk, self._where, self._every = disk, where, every
        self._chance = random.Random(seed)
        self._left = self._chance.randrange(1, every)
        disk.before = self._cut

    def _cut(self, operation: str, path: str) -> None:
        self._left -= 1
        if self._left:
            return
        self._left = self._chance.randrange(1, self._every)
        directory = self._where / str(len(self.images))
        told = f"{operation} of {Path(path).name}"
        self.images.append((self._disk.image(directory, self._chance), self.acknowledged, told))


def rows_of(commit: int) -> list[Row]:
    return [(b"%d" % commit, b"%d" % number * 200, number, ()) for number in range(10)]


def unit(commit: int) -> Transaction:
    return Transaction(
        rows={("t", 0): rows_of(commit)},
        offsets={PLACE: f'{{"n":{commit}}}'},
        state={PLACE: {"n": str(commit), f"k{commit % 7}": str(commit)}},
    )


def write(path: Path, disk: FaultyDisk, cuts: PowerCuts, *, weak: bool) -> None:
    """Commit numbered units; `connect` of a weak one commits with synchronous=NORMAL."""
    store = EmbeddedStore(path, connect=partial(disk.connect, weak=weak))
    slot = store.acquire("embedded")
    for commit in range(1, COMMITS + 1):
        slot.commit(unit(commit))
        cuts.acknowledged = commit
    store.close()
    cuts.acknowledged = COMMITS


def lost(path: Path, acknowledged: int) -> bool:
    """Open what a power cut left; return whether acknowledged commits are missing.

    Whatever is there MUST be whole: records, offset and state of the same commit, no damage.
    """
    store = EmbeddedStore(path)
    slot = store.acquire("embedded")
    offsets = slot.offsets("c")
    commit = int(offsets.get("{}", '{"n":0}')[5:-1])
    wanted = [row for number in range(1, commit + 1) for row in rows_of(number)]
    if commit:
        reader = store.reader()
        found = reader.read("t", 0, 0, 100_000)
        assert [(r.key, r.value, r.timestamp, r.headers) for r in found] == wanted
        assert reader.bounds("t") == {0: (0, 10 * commit)}
        reader.close()
        assert slot.state(*PLACE).get_many(["n"]) == {"n": str(commit)}
    slot.commit(Transaction(rows={("t", 0): rows_of(commit + 1)}))
    store.close()
    checked = EmbeddedReader(path)
    assert checked.check() == []
    checked.close()
    assert commit <= acknowledged + 1
    return commit < acknowledged


def losses(directory: Path, points: int, seed: int, *, weak: bool = False) -> list[str]:
    """Cut the power at `points` instants; return those at which something was lost."""
    found: list[str] = []
    seen = 0
    while seen < points:
        work = directory / f"{seed}"
        work.mkdir()
        disk = FaultyDisk()
        cuts = PowerCuts(disk, work, every=24, seed=seed)
        write(work / "data" / "log.db", disk, cuts, weak=weak)
        for path, acknowledged, told in cuts.images[: points - seen]:
            if lost(path, acknowledged):
                found.append(f"seed {seed}, {path.parent.name}: {told} after {acknowledged}")
        seen += len(cuts.images)
        seed += 1
        shutil.rmtree(work)
    return found


def test_nothing_acknowledged_is_lost_in_thirty_power_cuts(tmp_path: Path) -> None:
    assert losses(tmp_path, 30, seed=1) == []


def test_the_model_of_power_loss_can_see_a_loss(tmp_path: Path) -> None:
    """The control: with synchronous=NORMAL acknowledged commits MUST be lost."""
    assert losses(tmp_path, 30, seed=1, weak=True)


@pytest.mark.parametrize("seed", range(4))
def test_nothing_written_after_a_failed_fsync_is_lost(tmp_path: Path, seed: int) -> None:
    """The pages of a failed fsync never reach the disk, though they can be read until then."""
    chance, disk = random.Random(seed), FaultyDisk()
    store = EmbeddedStore(tmp_path / "data" / "log.db", connect=disk.connect)
    slot = store.acquire("embedded")
    bad = set(chance.sample(range(2, 30), 3))

    def fail(operation: str, path: str) -> None:
        if operation == "sync" and path.endswith("-wal"):
            raise apsw.IOError("input/output error")

    acknowledged = 0
    images: list[tuple[Path, int]] = []
    for attempt in range(1, 32):
        commit = int(slot.offsets("c").get("{}", '{"n":0}')[5:-1]) + 1
        assert acknowledged < commit <= attempt
        disk.before = fail if attempt in bad else _sound
        try:
            slot.commit(unit(commit))
        except StoreError:
            assert attempt in bad
        else:
            acknowledged = commit
        disk.before = _sound
        # A checkpoint would heal it in time, so the power goes soon after the failure.
        if bad & {attempt - 1, attempt - 2}:
            images.append((disk.image(tmp_path / f"left{attempt}", chance), acknowledged))
    store.close()
    assert images
    assert not [told for path, told in images if lost(path, told)]


def _sound(operation: str, path: str) -> None:
    """Let every operation of the disk succeed."""


@pytest.mark.chaos
@pytest.mark.timeout(600)
def test_nothing_acknowledged_is_lost_in_many_power_cuts(tmp_path: Path) -> None:
    assert losses(tmp_path, 1000, seed=1000) == []


@pytest.mark.chaos
@pytest.mark.timeout(600)
def test_much_is_lost_without_full_synchronisation(tmp_path: Path) -> None:
    assert len(losses(tmp_path, 250, seed=1000, weak=True)) >= 25
