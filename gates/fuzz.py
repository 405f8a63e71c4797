"""Frames that no server says: what hypothesis finds in the space around the real ones, from one seed.

Every frame of `hostile_frames` is wrong in a way that any client must notice: it is no JSON, no tagged object, of no
known message, or its essential parts are of another type. What a client may be lenient about is left alone.

    frames = hostile_frames(7, genuine=[b'{"TransactionUpdate": ...}'], count=5_000, table="sync_event")
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import hypothesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from harness.canonical import UNREADABLE, Json
from harness.errors import WireError
from harness.wire import messages

PER_EXAMPLE = 10  # frames in one example: generating is dearer than mutating
MAX_EXAMPLES = 3_000

_scalars = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.text(max_size=12)
_json = st.recursive(
    _scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip
_not_objects = _scalars | st.lists(_scalars, max_size=3)


@dataclass(frozen=True)
class Hostile:
    """`text` as a text frame, `binary` as bytes of a binary one; one of the two."""

    text: str = ""
    binary: bytes | None = None


def _encode(value: Json) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _no_json(genuine: list[str]) -> st.SearchStrategy[str]:
    """A real frame cut short, or with a piece of it replaced so that it is no JSON."""

    def cut(text: str, at: int) -> str:
        return text[: at % max(1, len(text) - 1)]

    return st.builds(cut, st.sampled_from(genuine), st.integers(0, 1 << 20)) | st.text(min_size=1, max_size=40)


def _no_message() -> st.SearchStrategy[str]:
    """JSON that is no object with one member, or whose member is no known message."""
    unknown = st.text(max_size=20).filter(lambda name: name not in messages.SERVER_KINDS)
    untagged = st.lists(st.text(max_size=10), min_size=2, max_size=4, unique=True)
    several = untagged.flatmap(lambda names: st.fixed_dictionaries(dict.fromkeys(names, _scalars)))
    tagged = st.builds(lambda name, body: {name: body}, unknown, _json)
    return st.builds(_encode, _not_objects | several | tagged | st.just({}))


def _no_body(table: str) -> st.SearchStrategy[str]:
    """An update whose essential parts are of another type."""
    rows = st.builds(lambda rows: {"deletes": [], "inserts": rows}, _scalars | st.lists(st.integers(), min_size=1))
    queries = st.lists(_not_objects, min_size=1, max_size=2) | _scalars | st.lists(rows, min_size=1, max_size=2)
    tables = st.builds(lambda updates: [{"table_id": 1, "table_name": table, "num_rows": 1, "updates": updates}],
                       queries)  # fmt: skip
    update = st.builds(lambda inner: {"tables": inner}, _scalars | st.lists(_not_objects, min_size=1) | tables)
    committed = st.builds(lambda inner: {"Committed": inner}, update | _not_objects)
    other: st.SearchStrategy[Json] = st.builds(lambda name: {name: {"tables": []}}, st.text(max_size=9))
    status: st.SearchStrategy[Any] = _not_objects | committed | other | st.just({})
    whole = st.builds(lambda body: {"TransactionUpdate": body},
                      _not_objects | st.builds(lambda inner: _update(inner), status))  # fmt: skip
    light = st.builds(lambda body: {"TransactionUpdateLight": body},
                      _not_objects | st.builds(lambda inner: {"request_id": 0, "update": inner}, update))  # fmt: skip
    return st.builds(_encode, whole | light)


def _update(status: Json) -> dict[str, Json]:
    return {
        "status": status,
        "timestamp": {"__timestamp_micros_since_unix_epoch__": 1},
        "caller_identity": {"__identity__": "0x00"},
        "caller_connection_id": {"__connection_id__": 1},
        "reducer_call": {"reducer_name": "r", "reducer_id": 1, "args": "[]", "request_id": 0},
        "energy_quanta_used": {"quanta": 1},
        "total_host_execution_duration": {"__time_duration_micros__": 1},
    }


def is_hostile(text: str) -> bool:
    """Whether our own codec refuses it too: what it reads is nothing that a client must refuse."""
    try:
        messages.decode(text)
    except (WireError, *UNREADABLE):
        return True
    return False


def hostile_frames(seed: int, *, genuine: list[bytes], count: int, table: str) -> list[Hostile]:
    """`count` frames, the same for the same seed and the same real frames."""
    texts = sorted(one.decode() for one in genuine)
    frame = st.one_of(
        _no_json(texts).map(lambda text: Hostile(text)),
        _no_message().map(lambda text: Hostile(text)),
        _no_body(table).map(lambda text: Hostile(text)),
        st.binary(max_size=60).map(lambda data: Hostile(binary=data)),
    )
    found: dict[Hostile, None] = {}  # in order, each once

    @hypothesis.seed(seed)
    @settings(
        max_examples=MAX_EXAMPLES,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(frame, min_size=1, max_size=PER_EXAMPLE))
    def collect(frames: list[Hostile]) -> None:
        if len(found) >= count:
            raise _Enough
        found.update(dict.fromkeys(one for one in frames if one.binary is not None or is_hostile(one.text)))

    try:
        collect()
    except _Enough:
        pass
    return list(found)[:count]


class _Enough(Exception):
    """Ends hypothesis early."""
