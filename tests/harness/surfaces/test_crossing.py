"""What crosses the middlebox becomes Ops: fed with frames that a real server sent."""

from __future__ import annotations

from pathlib import Path

import pytest
from websockets.frames import Frame, Opcode

from harness.config import HashConfig, TablesConfig
from harness.evidence.recorder import Recorder
from harness.history import Applied, FrameSeen, History, unpack
from harness.surfaces.crossing import Crossing
from harness.wire.messages import call_reducer
from harness.wire.schema import Schema
from tests.harness.lab.test_middlebox import FakeLink
from tests.harness.wire.test_messages import FRAMES, frame

CONNECTION = f"{256080402249604692112675587898828419215:032x}"


class Crossed:
    """A crossing with one open socket."""

    def __init__(self, folder: Path) -> None:
        self.record = Recorder(folder / "h.jsonl", "s")
        self.crossing = Crossing(self.record, TablesConfig(), HashConfig())
        self.crossing.schema = Schema.parse((FRAMES / "schema.json").read_bytes())
        self.link = FakeLink()
        self.tap = self.crossing.box.tap(self.link)  # type: ignore[arg-type]
        self.tap.to_server(b"GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n")
        self.tap.to_client(b"HTTP/1.1 101 Switching Protocols\r\n\r\n")

    def down(self, *texts: str) -> None:
        for text in texts:
            self.tap.to_client(Frame(Opcode.TEXT, text.encode()).serialize(mask=False))

    def history(self) -> History:
        return self.record.history()


@pytest.fixture
def crossed(tmp_path: Path) -> Crossed:
    return Crossed(tmp_path)


def test_frames_are_counted_by_kind_and_connection(crossed: Crossed) -> None:
    crossed.down(frame("IdentityToken"), frame("SubscribeMultiApplied"), frame("TransactionUpdate"), "garbage")
    crossed.tap.to_server(Frame(Opcode.TEXT, call_reducer("r", [], request_id=1)).serialize(mask=True))
    seen = [(unpack(op, FrameSeen).direction, unpack(op, FrameSeen).kind) for op in crossed.history().of("frame")]
    assert seen == [
        ("to_client", "IdentityToken"),
        ("to_client", "SubscribeMultiApplied"),
        ("to_client", "TransactionUpdate"),
        ("to_client", "malformed"),
        ("to_server", "CallReducer"),
    ]
    assert {op.connection for op in crossed.history().of("frame")} == {CONNECTION}
    assert crossed.crossing.upgraded == 1
    assert not crossed.crossing.box.unsure


def test_a_socket_that_was_cut_before_its_greeting_may_have_been_one(crossed: Crossed) -> None:
    crossed.crossing.box.forget(1)
    assert (crossed.crossing.upgraded, crossed.crossing.box.unsure) == (0, {1})


def test_rows_of_both_shapes_are_deliveries(crossed: Crossed) -> None:
    crossed.down(frame("IdentityToken"), frame("SubscribeApplied"), frame("TransactionUpdate"))
    snapshot, live = crossed.history().of("deliver")
    assert [(op.stream, op.seq, op.idem_key, op.connection) for op in (snapshot, live)] == [
        ("s", 1, "k1", CONNECTION)
    ] * 2
    assert (unpack(snapshot, Applied).live, unpack(live, Applied).live) == (False, True)
    assert live.hash != unpack(live, Applied).claimed_hash, "the recorded event has a made-up hash"


def test_a_row_that_cannot_be_read_is_recorded_and_harms_nothing(crossed: Crossed) -> None:
    broken = frame("TransactionUpdate").replace('[\\"k1\\",\\"s\\",1,', '[\\"k1\\",\\"s\\",')
    assert broken != frame("TransactionUpdate")
    crossed.down(frame("IdentityToken"), broken, frame("TransactionUpdate"))
    phases = [op.phase for op in crossed.history().of("deliver")]
    assert phases == ["info", "ok"]


def test_every_message_is_kept_with_its_record(crossed: Crossed) -> None:
    crossed.down(frame("IdentityToken"), frame("TransactionUpdate"), "garbage")
    assert crossed.crossing.inject(CONNECTION, '{"event":"old_reply"}', kind="legacy")
    kept = crossed.crossing.tail.now()
    assert [one.op for one in kept] == list(crossed.history().of("frame"))
    assert [one.seen.kind for one in kept] == ["IdentityToken", "TransactionUpdate", "malformed", "legacy"]
    assert kept[1].message.payload == frame("TransactionUpdate").encode()


def test_the_token_of_the_socket_is_never_written(crossed: Crossed) -> None:
    crossed.down(frame("IdentityToken"))
    crossed.record.op("a", "mint", "fail", error=frame("IdentityToken"))
    assert "eyJ" not in crossed.record.path.read_text()


def test_what_is_injected_is_recorded_and_sent(crossed: Crossed) -> None:
    crossed.down(frame("IdentityToken"))
    assert crossed.crossing.inject(CONNECTION, '{"event":"old_reply"}', kind="legacy", key="k")
    assert b"old_reply" in crossed.link.sent
    injected = crossed.history().of("frame")[-1]
    assert (injected.key, unpack(injected, FrameSeen).injected) == ("k", True)
    crossed.tap.ended()
    assert not crossed.crossing.inject(CONNECTION, "{}", kind="legacy")
