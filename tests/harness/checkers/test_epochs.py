"""Epochs: which restarts count, and where the last lines of an old connection belong."""

from __future__ import annotations

import pytest

from harness import history as h
from harness.checkers.epochs import Epochs, restores
from harness.errors import EvidenceError
from harness.history import pack
from tests.harness.checkers.cases import Script


def test_only_the_server_s_loss_of_data_opens_an_epoch() -> None:
    script = Script()
    script.put("restart", data=pack(h.Restarted("kill", 1)))
    script.put("restart", data=pack(h.Restarted("stop", 1)))
    script.put("restart", replica="d1", data=pack(h.Restarted("wipe", 1)))
    assert Epochs(script.history()).single
    wipe = script.put("restart", replica="server", data=pack(h.Restarted("wipe", 1)))
    restore = script.put("restart", data=pack(h.Restarted("restore", 1)))
    assert restores(script.history()) == [wipe, restore]


def test_an_op_belongs_to_the_epoch_of_its_connection() -> None:
    script = Script()
    script.row("deliver", "s", 1, "k1", connection="c1")
    script.put("restart", data=pack(h.Restarted("restore", 1)))
    script.row("apply", "s", 1, "k1", connection="c1")
    script.row("apply", "s", 1, "k2", connection="c2")
    script.publish("s", "k3", 2)
    history = script.history()
    epochs = Epochs(history)
    assert [epochs.of(op) for op in history.ops] == [0, 0, 0, 1, 1, 1]


def test_a_restart_that_says_nothing_is_refused() -> None:
    script = Script()
    script.put("restart")
    with pytest.raises(EvidenceError, match="restart"):
        restores(script.history())
