"""History files: what is written is read back, a crash leaves a readable prefix, anything else is named."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import EvidenceError
from harness.history import SCHEMA, Anchor, Applied, History, Metrics, Op, Presence, encode, pack, unpack

ANCHOR = Anchor(SCHEMA, "s", 1, 2)
text = st.text(max_size=12)
ops = st.lists(
    st.builds(
        Op,
        index=st.integers(0, 1 << 40),
        t_ns=st.integers(0, 1 << 62),
        process=text,
        f=st.sampled_from(["publish", "apply", "frame", "metrics"]),
        phase=st.sampled_from(["invoke", "ok", "fail", "info"]),
        op=st.none() | st.integers(0, 99),
        stream=st.none() | text,
        seq=st.none() | st.integers(-5, 1 << 62),
        error=st.none() | text,
        data=st.just(msgspec.UNSET) | st.builds(Applied, text, st.booleans()).map(pack),
    ),
    max_size=8,
)


@given(ops)
def test_what_is_written_is_read_back(written: list[Op]) -> None:
    history = History(ANCHOR, written)
    read = History.parse(history.dump())
    assert read.dump() == history.dump()
    assert not read.truncated
    assert [op.index for op in read.ops] == [op.index for op in written]


@given(ops, st.data())
def test_every_cut_is_a_prefix_or_an_error(written: list[Op], data: st.DataObject) -> None:
    """Never Ops that were not written, and never silence about the cut."""
    raw = History(ANCHOR, written).dump()
    cut = raw[: data.draw(st.integers(0, len(raw)))]
    try:
        read = History.parse(cut)
    except EvidenceError:
        assert b"\n" not in cut
        return
    assert read.truncated == (not cut.endswith(b"\n"))
    assert [encode(op) for op in read.ops] == [encode(op) for op in written[: len(read.ops)]]


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "empty"),
        (b"no json\n", "line 1 is no anchor"),
        (b'{"schema":"other","scenario":"s","wall_ns":1,"t_ns":1}\n', "schema is 'other'"),
        (encode(ANCHOR) + b"\nbroken\n", "line 2 is no Op"),
        (encode(ANCHOR) + b'\n{"index":0,"t_ns":1,"process":"p","f":"publish","phase":"ok","colour":1}\n', "colour"),
        (encode(ANCHOR) + b'\n{"index":0,"t_ns":1,"process":"p","f":"dance","phase":"ok"}\n', "dance"),
    ],
)
def test_what_is_no_history_is_named(raw: bytes, said: str) -> None:
    with pytest.raises(EvidenceError, match=said):
        History.parse(raw)


def test_data_is_read_as_the_type_that_is_asked_for() -> None:
    op = Op(3, 1, "p", "presence", "ok", data=pack(Presence(("a",), ("a",))))
    assert unpack(op, Presence).rows == ("a",)
    with pytest.raises(EvidenceError, match=r"op 3 \(presence\): data is not Metrics"):
        unpack(op, Metrics)
    with pytest.raises(EvidenceError, match="carries no data"):
        unpack(Op(3, 1, "p", "presence", "ok"), Presence)


def test_ops_are_grouped_by_kind_in_order() -> None:
    kinds = ["publish", "apply", "publish"]
    history = History(ANCHOR, [Op(n, n, "p", kind, "ok") for n, kind in enumerate(kinds)])  # type: ignore[arg-type]
    assert [op.index for op in history.of("publish")] == [0, 2]
    assert list(history.of("route")) == []


@pytest.mark.parametrize(
    "line",
    [
        b'{"index":0,"t_ns":1,"process":"\xff","f":"apply","phase":"ok"}',
        b'{"index":0,"t_ns":1,"process":"p","f":"apply","phase":"ok","data":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    ],
    ids=["not UTF-8", "nested without end"],
)
def test_a_flipped_byte_is_named_like_any_other_damage(line: bytes) -> None:
    with pytest.raises(EvidenceError, match="line 2 is no Op"):
        History.parse(encode(ANCHOR) + b"\n" + line + b"\n")


def test_an_anchor_or_data_that_is_not_utf_8_is_named() -> None:
    with pytest.raises(EvidenceError, match="line 1 is no anchor"):
        History.parse(encode(ANCHOR).replace(b'"s"', b'"\xff"') + b"\n")
    op = Op(3, 1, "p", "apply", "ok", data=msgspec.Raw(b'{"claimed_hash":"\xff"}'))
    with pytest.raises(EvidenceError, match="data is not Applied"):
        unpack(op, Applied)
