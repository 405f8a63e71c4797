"""WebSocket messages around a finding: what crossed the paths of the subject's parts, with contents.

The last ones of each path, written only beside a gate that did not pass; secrets are struck out then, when all of them
are known. Each names its record in history.jsonl, which tells of every message, and of what was delivered in it.

    frame = Frame(t_ns, 7, "desktop", "to_client", "TransactionUpdate", 812, "text", connection, '{"Trans...')
    dump(cleaned([frame], redactor))        # bytes of frames.jsonl
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import msgspec

from harness.evidence.redact import Redactor
from harness.history import Record, encode

MAX_TEXT_CHARS = 4_000  # of a message's contents, so that a snapshot fills no bundle


class Frame(Record, frozen=True):
    """One message. `op` is the index of its record in the history; `path` the way that it took; `size_bytes` all of its
    payload; `connection` the server's id of it, once the server has told it. `contents` is in the `form` of the text
    that it was, of JSON read from the binary protocol, of hex where that cannot be read, or not there; `note` says why.
    `cut`: it is the beginning only. `injected`: of the harness's own; `spoilt`: a fault changed it on its way."""

    t_ns: int
    op: int
    path: str
    direction: Literal["to_client", "to_server"]
    kind: str
    size_bytes: int
    opcode: Literal["text", "binary"]
    connection: str | None = None
    contents: str = ""
    form: Literal["text", "json", "hex", "none"] = "text"
    note: str = ""
    cut: bool = False
    injected: bool = False
    spoilt: bool = False


def as_text(data: bytes) -> str:
    """Bytes that are to be hex, until secrets are struck out: no byte is lost."""
    return data.decode(errors="surrogateescape")


def cleaned(frames: Iterable[Frame], redactor: Redactor) -> list[Frame]:
    """In their order, without secrets, cut to their limit: in this order, so that no half of a secret is left. What is
    to be hex comes as text (`as_text`), so that a secret in it is found."""
    return [_cleaned(frame, redactor) for frame in sorted(frames, key=lambda one: one.t_ns)]


def _cleaned(frame: Frame, redactor: Redactor) -> Frame:
    whole = (redactor.clean_beginning if frame.cut or frame.spoilt else redactor.clean)(frame.contents)
    if frame.form == "hex":
        whole = whole.encode(errors="surrogateescape").hex()
    cut = frame.cut or len(whole) > MAX_TEXT_CHARS
    return msgspec.structs.replace(frame, contents=whole[:MAX_TEXT_CHARS], note=redactor.clean(frame.note), cut=cut)


def dump(frames: Iterable[Frame]) -> bytes:
    """One JSON line each."""
    return b"".join(encode(one) + b"\n" for one in frames)
