"""The last WebSocket messages of one path, as they crossed: kept raw and bounded, read only when they are asked for.

Most gates pass, and nobody looks: keeping costs a reference. What a message says is read with the harness's own codec.

    tail.add(op, seen, message)
    frames = [frame_of(one, "desktop", schema) for one in tail.now()]
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from typing import Literal, NamedTuple

from websockets.frames import Opcode

from harness.errors import WireError
from harness.evidence.frames import Frame, as_text
from harness.history import FrameSeen, Op
from harness.lab.middlebox import Message
from harness.wire import bsatn, messages
from harness.wire.schema import Schema

MAX_KEPT = 2_000  # messages of a path
KEPT_BYTES = 16 * 1024  # of each: an update of some events is whole, a snapshot of a table is not


class Kept(NamedTuple):
    """One message with its record. Of a long one `message` has the beginning."""

    op: Op
    seen: FrameSeen
    message: Message
    size_bytes: int


class Tail:
    """The last ones."""

    def __init__(self) -> None:
        self._kept: deque[tuple[Op, FrameSeen, Message, int]] = deque(maxlen=MAX_KEPT)  # bare: made for every message

    def add(self, op: Op, seen: FrameSeen, message: Message) -> None:
        size = len(message.payload)
        if size > KEPT_BYTES:
            message = replace(message, payload=message.payload[:KEPT_BYTES])
        self._kept.append((op, seen, message, size))

    def now(self) -> list[Kept]:
        return [Kept(*one) for one in self._kept]


def frame_of(kept: Kept, path: str, schema: Schema | None) -> Frame:
    """With its contents, secrets and all, as harness.evidence.frames.cleaned takes it."""
    cut = kept.size_bytes > len(kept.message.payload)
    contents, form, note = _text(kept, cut) if kept.message.opcode is not Opcode.BINARY else _read(kept, cut, schema)
    return Frame(
        kept.op.t_ns,
        kept.op.index,
        path,
        kept.seen.direction,
        kept.seen.kind,
        kept.size_bytes,
        "binary" if kept.message.opcode is Opcode.BINARY else "text",
        kept.op.connection,
        contents,
        form,
        note,
        cut=cut,
        injected=kept.seen.injected and not kept.message.spoilt,
        spoilt=kept.message.spoilt,
    )


_Told = tuple[str, Literal["text", "json", "hex", "none"], str]


def _text(kept: Kept, cut: bool) -> _Told:
    note = f"its first {len(kept.message.payload)} bytes were kept" if cut else ""
    return kept.message.payload.decode(errors="replace"), "text", note


def _read(kept: Kept, cut: bool, schema: Schema | None) -> _Told:
    """A binary message. One of the server's that cannot be read is not written: what is compressed in it could hide a
    secret. A client compresses nothing, nor does the harness."""
    raw = as_text(kept.message.payload)
    if kept.seen.direction == "to_server":
        return raw, "hex", "binary messages of a client are not read"
    try:
        return messages.encode(_decoded(kept, cut, schema)).decode(), "json", ""
    except WireError as error:
        why = f"it cannot be read: {error}"
    if kept.seen.injected and not kept.message.spoilt:
        return raw, "hex", why
    return "", "none", f"{why}; what is compressed in it could hide a secret, so that it is not written"


def _decoded(kept: Kept, cut: bool, schema: Schema | None) -> messages.ServerMessage:
    if cut:
        raise WireError(f"only its first {len(kept.message.payload)} bytes were kept")
    if schema is None:
        raise WireError("the schema is not known")
    return bsatn.decode(kept.message.payload, schema)
