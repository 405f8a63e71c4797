"""The mirror of a replica: its chain and state hash follow the formulas, and are not known from a floor on."""

from __future__ import annotations

from harness.canonical import chain_next, chain_start, payload_hash, state_hash
from harness.surfaces.events import Event
from harness.surfaces.replica import Replica, state_hash_of


def event(seq: int, stream: str = "s") -> Event:
    digest = payload_hash({"n": seq})
    return Event(stream, seq, f"k{seq}", f"i{seq}", digest, digest, digest)


def chain(upto: int) -> bytes:
    known = chain_start("s")
    for seq in range(1, upto + 1):
        known = chain_next(known, seq, f"i{seq}", payload_hash({"n": seq}))
    return known


def test_a_replica_that_saw_everything_has_the_state_of_the_rows() -> None:
    replica = Replica("d1", ("s", "empty"))
    replica.bootstrap("s", 1, 0)
    for seq in (1, 2, 3):
        replica.apply(event(seq), 1)
    expected = state_hash({"s": (3, chain(3).hex()), "empty": (0, chain_start("empty").hex())})
    assert replica.state_hash() == expected
    assert state_hash_of({"s": [event(3), event(1), event(2)], "empty": []}) == expected
    assert (replica.applied_seq("s"), replica.applied_seq("other")) == (3, 0)


def test_a_floor_gives_no_hash_rather_than_a_wrong_one() -> None:
    replica = Replica("d1", ("s",))
    replica.bootstrap("s", 1, 2)
    replica.apply(event(3), 1)
    assert replica.state_hash() == ""


def test_a_new_baseline_discards_what_was_applied() -> None:
    replica = Replica("d1", ("s",))
    replica.bootstrap("s", 1, 0)
    replica.apply(event(1), 1)
    replica.bootstrap("s", 2, 0)
    assert replica.applied_seq("s") == 0
    assert replica.state["s"].events == []


def test_connections_come_and_go() -> None:
    replica = Replica("d1", ())
    replica.connected("c1")
    replica.disconnected("c0")
    assert (replica.connection, replica.ended) == ("c1", ["c0"])
    replica.disconnected(None)
    assert (replica.connection, replica.ended) == (None, ["c0", "c1"])


def test_a_resume_takes_over_what_was_persisted_and_never_told() -> None:
    crossed = {("s", seq): Event("s", seq, f"k{seq}", f"i{seq}", *["0" * 64] * 3) for seq in range(1, 6)}
    replica = Replica("d1", ("s",))
    replica.bootstrap("s", 1, 0)
    replica.apply(crossed["s", 1], 1)
    replica.resumed("s", 4, crossed)
    assert [event.seq for event in replica.state["s"].events] == [1, 2, 3, 4]
    replica.resumed("s", 4, crossed)
    replica.resumed("s", 2, crossed)
    replica.resumed("other", 9, crossed)
    assert replica.applied_seq("s") == 4
    replica.resumed("s", 9, crossed)
    assert replica.applied_seq("s") == 5, "what nobody saw cross is not made up"
