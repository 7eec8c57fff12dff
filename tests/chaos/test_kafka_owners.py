"""Who yields: whatever the order of two or three owners' calls, one stays and nothing is doubled."""

from __future__ import annotations

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from tests.chaos.kafka_model import Brokers, Owner

MOST = 3
MOVES = 400
"""More than any exchange of so few owners needs to come to its end."""
owners = st.integers(0, MOST - 1)


class Owners(RuleBasedStateMachine):
    """Owners that claim, fence, commit and recycle, one call of a broker at a time.

    Safety stands in `Brokers.commit`: every number once and in order, or it asserts. Liveness is
    looked at in the end: the newest claimant goes on, all others are FENCED.
    """

    def __init__(self) -> None:
        super().__init__()
        self.brokers = Brokers()
        self.owners: list[Owner] = []

    @precondition(lambda self: len(self.owners) < MOST)
    @rule()
    def start(self) -> None:
        self.owners.append(Owner(self.brokers))

    @rule(which=owners, calls=st.integers(1, 12))
    def move(self, which: int, calls: int) -> None:
        for owner in self.owners[which : which + 1]:
            for _ in range(calls):
                owner.move()

    @rule(which=owners)
    def become_suspect(self, which: int) -> None:
        for owner in self.owners[which : which + 1]:
            owner.suspicious = True

    @rule(which=owners)
    def lose_the_reply_to_the_next_commit(self, which: int) -> None:
        for owner in self.owners[which : which + 1]:
            owner.loses_reply = True

    @rule()
    def let_the_open_transaction_take_too_long(self) -> None:
        self.brokers.epoch += 1

    def teardown(self) -> None:
        try:
            self.come_to_an_end()
        finally:
            for owner in self.owners:
                owner.leave()

    def come_to_an_end(self) -> None:
        """Let all go on in turn until one is left that commits."""
        before = {owner: owner.committed for owner in self.owners}
        for _ in range(MOVES):
            for owner in self.owners:
                owner.move()
            left = [owner for owner in self.owners if not owner.fenced]
            if len(left) <= 1 and all(each.committed > before[each] + 1 for each in left):
                break
        else:
            raise AssertionError("they exchange the connector for ever")
        assert left == self.brokers.claimants[-1:]


def test_the_newest_claimant_stays_and_no_other_commits_after_it() -> None:
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        Owners, settings=settings(max_examples=300, stateful_step_count=30, deadline=None)
    )
