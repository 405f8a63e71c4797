"""The last messages of a path: bounded, and read as far as they can be read."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from websockets.frames import Opcode

from harness.evidence.frames import Frame, cleaned
from harness.evidence.recorder import Recorder
from harness.evidence.redact import Redactor
from harness.history import FrameSeen
from harness.lab.middlebox import Direction, Message
from harness.surfaces.tail import KEPT_BYTES, MAX_KEPT, Tail, frame_of
from harness.wire.schema import Schema
from tests.harness.wire.test_bsatn import HELLO, SCHEMA, subscribe


class Kept:
    """A tail, and the frames of what was put into it."""

    def __init__(self, folder: Path) -> None:
        self.record, self.tail = Recorder(folder / "h.jsonl", "s"), Tail()

    def put(
        self,
        payload: bytes,
        direction: Direction = "to_client",
        opcode: Opcode = Opcode.BINARY,
        *,
        injected: bool = False,
        spoilt: bool = False,
    ) -> None:
        seen = FrameSeen(direction, "K", injected=injected)
        op = self.record.op("middlebox", "frame", connection="c", data=seen)
        self.tail.add(op, seen, Message(1, direction, opcode, payload, spoilt))

    def last(self, schema: Schema | None = SCHEMA) -> Frame:
        return frame_of(self.tail.now()[-1], "desktop", schema)


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return Kept(tmp_path)


def test_only_the_last_messages_are_kept_and_the_beginning_of_each(kept: Kept) -> None:
    for _ in range(MAX_KEPT + 3):
        kept.put(b"x", opcode=Opcode.TEXT)
    assert [one.op.index for one in kept.tail.now()][:: MAX_KEPT - 1] == [3, MAX_KEPT + 2]
    kept.put(b"y" * (KEPT_BYTES + 1), opcode=Opcode.TEXT)
    frame = kept.last()
    assert (len(frame.contents), frame.size_bytes, frame.cut) == (KEPT_BYTES, KEPT_BYTES + 1, True)
    assert str(KEPT_BYTES) in frame.note


def test_a_text_is_told_as_it_is_and_names_its_record(kept: Kept) -> None:
    kept.put(b'{"K":"\xc3\xa9"}', "to_server", Opcode.TEXT)
    op = kept.record.history().ops[-1]
    told = Frame(op.t_ns, op.index, "desktop", "to_server", "K", 10, "text", "c", '{"K":"é"}')
    assert kept.last() == told


@pytest.mark.parametrize("frame", [b"\0" + HELLO, b"\x02" + gzip.compress(HELLO)])
def test_a_binary_message_of_the_server_is_told_as_json_packed_or_not(kept: Kept, frame: bytes) -> None:
    kept.put(frame)
    told = kept.last()
    assert (told.opcode, told.form, told.note) == ("binary", "json", "")
    assert json.loads(told.contents)["IdentityToken"]["token"] == "eyJ"


@pytest.mark.parametrize(
    ("frame", "schema", "why"),
    [
        (b"\x01abc", SCHEMA, "brotli is not read"),
        (b"\0" + HELLO[:-1], SCHEMA, "are left"),
        (b"\0" + HELLO, None, "the schema is not known"),
        (b"\0" + HELLO + bytes(KEPT_BYTES), SCHEMA, f"only its first {KEPT_BYTES} bytes were kept"),
    ],
)
def test_what_cannot_be_read_is_said_to_be_so_and_is_not_written_packed(
    kept: Kept, frame: bytes, schema: Schema | None, why: str
) -> None:
    """Nothing could be struck out of it: a token that is packed is still a token to whoever unpacks it."""
    kept.put(frame)
    told = kept.last(schema)
    assert (told.contents, told.form, told.size_bytes) == ("", "none", len(frame))
    assert why in told.note
    assert "could hide a secret" in told.note


def test_what_a_client_sends_in_binary_is_hex(kept: Kept) -> None:
    frame = subscribe(("SELECT 1",))
    kept.put(frame, "to_server")
    told = kept.last()
    assert told.form == "hex"
    assert bytes.fromhex(cleaned([told], Redactor())[0].contents) == frame


def test_what_is_of_our_own_and_what_a_fault_changed_are_told_apart(kept: Kept) -> None:
    kept.put(b"\x07abc", injected=True)
    told = kept.last()
    assert (told.form, told.injected, told.spoilt) == ("hex", True, False)
    kept.put(b"\x07abc", injected=True, spoilt=True)
    told = kept.last()
    assert (told.form, told.injected, told.spoilt) == ("none", False, True)
