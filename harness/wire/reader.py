"""Reads BSATN, the server's binary form of values: little-endian, without tags for what the schema knows.

Source: crates/sats/src/bsatn at v1.2.0. Values come out as they stand in SATS-JSON's array form, so that one set of
converters serves both (harness.wire.schema).

    Reader(b"\\x02\\x00\\x00\\x00hi").text()      # "hi"
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import TypeVar

from harness.errors import WireError

T = TypeVar("T")
MAX_INFLATED_BYTES = 256 * 1024 * 1024  # as of one message: a snapshot of a large database


class Reader:
    """A position in some bytes. WireError when they end too early."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = memoryview(data), 0

    @property
    def left(self) -> int:
        return len(self._data) - self._at

    def take(self, count: int) -> bytes:
        if count > self.left:
            raise WireError(f"{count} bytes were announced, and {self.left} are left")
        self._at += count
        return bytes(self._data[self._at - count : self._at])

    def number(self, size: int, *, signed: bool = False) -> int:
        return int.from_bytes(self.take(size), "little", signed=signed)

    def tag(self) -> int:
        return self.number(1)

    def length(self) -> int:
        return self.number(4)

    def flag(self) -> bool:
        return self.tag() != 0

    def real(self, size: int) -> float:
        (value,) = struct.unpack("<f" if size == 4 else "<d", self.take(size))
        return float(value)

    def blob(self) -> bytes:
        return self.take(self.length())

    def text(self) -> str:
        try:
            return self.blob().decode()
        except UnicodeDecodeError as error:
            raise WireError(f"a text is not UTF-8: {error}") from error

    def hex(self, size: int) -> str:
        """A large number as SATS-JSON writes it where it is an identity."""
        return f"0x{self.number(size):0{2 * size}x}"

    def option(self, some: Callable[[], T]) -> T | None:
        """0 is some, 1 is none."""
        return some() if self.tag() == 0 else None

    def many(self, one: Callable[[], T]) -> list[T]:
        count = self.length()
        if count > self.left:  # nothing takes less than a byte but a unit, of which nobody sends a list
            raise WireError(f"{count} values were announced, and {self.left} bytes are left")
        return [one() for _ in range(count)]
