"""The mutations of I17, one by one: each breaks the part that it is made for."""

from __future__ import annotations

import pytest

from harness.checkers.base import Mutation, judge
from harness.checkers.legacy import LegacyLane
from tests.harness.checkers.cases import Script
from tests.model import generate

BREAKS = {
    "insert an accepted legacy frame": "came only by a legacy frame",
    "insert a legacy frame that nobody rejects": "accepted silently",
    "let a retired route answer": "answers 200",
    "let a retired route redirect": "leads to /api/sync/token",
    "drop every delivery of an applied event": "without crossing a WebSocket",
    "insert a command on a subscription socket": "a command travelled",
}


@pytest.mark.parametrize("mutation", LegacyLane().mutations(), ids=lambda mutation: mutation.name)
def test_each_breaks_its_own_part(mutation: Mutation) -> None:
    mutant = mutation.mutate(generate(5, 300))
    assert mutant is not None
    messages = [finding.message for finding in judge(LegacyLane(), mutant).findings]
    assert any(BREAKS[mutation.name] in message for message in messages), messages


def test_without_a_victim_there_is_no_mutant() -> None:
    assert [mutation.mutate(Script().history()) for mutation in LegacyLane().mutations()] == [None] * len(BREAKS)


def test_a_parameter_that_allows_all_known_commands_leaves_none_to_insert() -> None:
    lane = LegacyLane(subscription_messages=("",))
    command = lane.mutations()[-1]
    assert command.mutate(generate(5, 300)) is None


def test_one_delivery_must_remain_where_none_is_required() -> None:
    script = Script()
    script.row("deliver", "s", 1, "k1")
    script.row("apply", "s", 1, "k1")
    names = {mutation.name: mutation for mutation in LegacyLane(deliver_required=False).mutations()}
    assert names["drop every delivery of an applied event"].mutate(script.history()) is None
