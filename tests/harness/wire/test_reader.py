"""BSATN values: as the server's source lays them down, and never beyond the bytes that are there."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import WireError
from harness.wire.reader import Reader


@pytest.mark.parametrize(
    ("data", "read", "value"),
    [
        (b"\x01", Reader.flag, True),
        (b"\xfe\xff", lambda r: r.number(2, signed=True), -2),
        (b"\xfe\xff\x00\x00", lambda r: r.number(4), 65534),
        (b"\x00\x00\x80\x3f", lambda r: r.real(4), 1.0),
        (b"\x03\x00\x00\x00\xc3\xa9!", Reader.text, "é!"),
        (b"\x02\x00\x00\x00\x00\xff", lambda r: r.blob().hex(), "00ff"),
        (b"\x01" + bytes(31), lambda r: r.hex(32), "0x" + "0" * 63 + "1"),
        (b"\x00\x07", lambda r: r.option(r.tag), 7),
        (b"\x01", lambda r: r.option(r.tag), None),
        (b"\x02\x00\x00\x00\x05\x06", lambda r: r.many(r.tag), [5, 6]),
    ],
)
def test_values(data: bytes, read: Callable[[Reader], object], value: object) -> None:
    reader = Reader(data)
    assert read(reader) == value
    assert reader.left == 0


@pytest.mark.parametrize(
    ("data", "read"),
    [
        (b"", Reader.tag),
        (b"\x05\x00\x00\x00abc", Reader.text),
        (b"\x02\x00\x00\x00\xff\xfe", Reader.text),
        (b"\xff\xff\xff\xff", lambda r: r.many(r.tag)),
    ],
)
def test_what_is_cut_or_no_text_is_an_error(data: bytes, read: Callable[[Reader], object]) -> None:
    with pytest.raises(WireError):
        read(Reader(data))


@given(st.binary(max_size=40))
def test_no_bytes_bring_it_down(data: bytes) -> None:
    for read in (Reader.text, Reader.flag, lambda r: r.many(r.text), lambda r: r.option(r.blob)):
        try:
            read(Reader(data))
        except WireError:
            continue
