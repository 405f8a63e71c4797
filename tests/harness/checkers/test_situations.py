"""The walk over cursors that cannot be served."""

from __future__ import annotations

from harness import history as h
from harness.checkers.situations import Walk
from harness.history import pack
from tests.harness.checkers.cases import Script


def connected(script: Script, replica: str = "d1") -> None:
    begun = script.put("connect", "invoke", replica=replica)
    script.put("connect", op=begun, replica=replica, connection="c" * 32)


def resumed(script: Script, cursor: int, applied: int) -> None:
    data = pack(h.Checkpointed("resume", applied))
    script.put("checkpoint", replica="d1", stream="s", cursor=cursor, data=data)


def holding(script: Script, last: int) -> None:
    connected(script)
    script.bootstrap("s", 0)
    for seq in range(1, last + 1):
        script.row("apply", "s", seq, f"k{seq}")


def restored(script: Script, head: int) -> None:
    script.put("restart", data=pack(h.Restarted("restore", 1, {"s": head})))


def test_a_prune_while_connected_is_no_situation() -> None:
    script = Script()
    holding(script, 2)
    script.put("prune", stream="s", cursor=4)
    script.row("apply", "s", 3, "k3")
    assert not Walk(script.history()).seen


def test_a_cursor_at_the_floor_is_good() -> None:
    script = Script()
    holding(script, 4)
    script.put("prune", stream="s", cursor=4)
    connected(script)
    script.row("apply", "s", 5, "k5")
    assert not Walk(script.history()).seen


def test_the_persisted_state_decides_beside_the_cursor() -> None:
    for applied, seen in ((4, 0), (3, 1)):
        script = Script()
        holding(script, 5)
        script.put("prune", stream="s", cursor=4)
        resumed(script, 3, applied)
        connected(script)
        script.bootstrap("s", 4, baseline=2)
        assert Walk(script.history()).seen["stale"] == seen, applied


def test_a_stale_cursor_without_a_connection_is_not_met() -> None:
    script = Script()
    holding(script, 2)
    script.put("prune", stream="s", cursor=4)
    resumed(script, 2, 2)
    assert not Walk(script.history()).seen
    connected(script)
    assert Walk(script.history()).seen == {"stale": 1}


def test_a_restore_may_undo_a_prune() -> None:
    script = Script()
    holding(script, 2)
    script.put("prune", stream="s", cursor=4)
    restored(script, 3)
    connected(script)
    script.row("apply", "s", 3, "k3")
    assert not Walk(script.history()).seen


def test_ahead_is_beyond_the_restored_head_and_only_once() -> None:
    script = Script()
    holding(script, 4)
    restored(script, 3)
    script.row("apply", "s", 5, "k5")  # told late: from before the restore
    connected(script)
    script.row("apply", "s", 6, "n6")
    connected(script)
    script.row("apply", "s", 7, "n7")
    walk = Walk(script.history())
    assert walk.seen == {"ahead": 1}
    assert (walk.ignored[0].waiting.cursor, walk.ignored[0].waiting.key, walk.ignored[0].waiting.bound) == (5, "k5", 3)


def test_a_wipe_leaves_nothing() -> None:
    script = Script()
    holding(script, 1)
    script.put("restart", replica="server", data=pack(h.Restarted("wipe", 1)))
    connected(script)
    script.bootstrap("s", 0, baseline=2)
    assert Walk(script.history()).seen == {"ahead": 1}


def test_a_second_start_is_anew_and_a_first_one_nothing() -> None:
    script = Script()
    script.bootstrap("s", 0)
    assert not Walk(script.history()).seen
    script.bootstrap("s", 0, baseline=2)
    assert Walk(script.history()).seen == {"anew": 1}


def test_what_carries_too_little_is_named() -> None:
    script = Script()
    script.put("prune", stream="s")
    assert "carries no cursor" in Walk(script.history()).lacking
