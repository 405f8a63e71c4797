"""WebSocket messages as evidence: in order, without secrets, cut after that."""

from __future__ import annotations

import msgspec

from harness.evidence.frames import MAX_TEXT_CHARS, Frame, as_text, cleaned, dump
from harness.evidence.redact import Redactor

SECRET = "hunter2-hünter2"


def one(contents: str, t_ns: int = 1, **fields: object) -> Frame:
    frame = Frame(t_ns, 7, "desktop", "to_client", "TransactionUpdate", len(contents), "text", "c", contents)
    return msgspec.structs.replace(frame, **fields)


def test_they_are_in_order_and_read_back_as_they_were_written() -> None:
    frames = cleaned([one("late", 2, note=f"not {SECRET}"), one("early")], Redactor([SECRET]))
    assert [(frame.contents, frame.note, frame.cut) for frame in frames] == [
        ("early", "", False),
        ("late", "not [redacted]", False),
    ]
    assert [msgspec.json.decode(line, type=Frame) for line in dump(frames).splitlines()] == frames


def test_secrets_are_struck_out_before_anything_is_cut() -> None:
    contents = "x" * (MAX_TEXT_CHARS - 7) + SECRET + "y" * 50
    (frame,) = cleaned([one(contents)], Redactor([SECRET]))
    assert "hunter" not in frame.contents
    assert (len(frame.contents), frame.cut) == (MAX_TEXT_CHARS, True)


def test_what_was_kept_of_a_message_ends_in_no_half_of_a_secret() -> None:
    for length in range(6, len(SECRET)):
        for fields in ({"cut": True}, {"spoilt": True}):
            (frame,) = cleaned([one(f"bearer {SECRET[:length]}", **fields)], Redactor([SECRET, "another-secret"]))
            assert frame.contents == "bearer [redacted]"


def test_a_secret_in_what_is_hex_is_found_too() -> None:
    data = b"\x01\xff " + SECRET.encode() + b"\xfe"
    (frame,) = cleaned([one(as_text(data), form="hex")], Redactor([SECRET]))
    assert bytes.fromhex(frame.contents) == b"\x01\xff [redacted]\xfe"
