"""Modules made from the subject's own wasm, so that a republish can be drilled without a toolchain.

same_code(wasm, "w1")              # the same module under another hash
other_column(wasm, "payload_json") # its events table has another column instead: an incompatible change
"""

from __future__ import annotations

from harness.errors import UserError

_CUSTOM_SECTION = 0


def same_code(wasm: bytes, name: str) -> bytes:
    """The module with one more custom section, which no engine runs (WebAssembly core specification, 2.5.12)."""
    text = f"signoff-{name}".encode()
    content = _leb128(len(text)) + text
    return wasm + bytes([_CUSTOM_SECTION]) + _leb128(len(content)) + content


def other_column(wasm: bytes, column: str) -> bytes:
    """The module with a column renamed where its name stands in the data: same length, so nothing moves.

    UserError when the name is not there: then signoff.toml names another table than the module's."""
    old = column.encode()
    if old not in wasm:
        raise UserError(f"the module's wasm does not hold the column name {column!r}")
    last = b"x" if old[-1:] != b"x" else b"y"
    return wasm.replace(old, old[:-1] + last)


def _leb128(number: int) -> bytes:
    """Unsigned LEB128.

    >>> _leb128(300)
    b'\\xac\\x02'
    """
    out = bytearray()
    while True:
        number, low = number >> 7, number & 0x7F
        out.append(low | (0x80 if number else 0))
        if not number:
            return bytes(out)
