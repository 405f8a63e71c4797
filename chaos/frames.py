"""What the middlebox does to messages on their way to a desktop: twice, not at all, late, out of turn, cut, spoilt.

Only updates and snapshots are altered: the greeting that names the connection stays, so that both sides can be told
apart afterwards. Each altered message is counted with its time.

    box.alter = Altering(Frames("duplicate", every=3), box, loop)
"""

from __future__ import annotations

import asyncio
import time

from chaos.faults import Frames
from harness.errors import WireError
from harness.lab.middlebox import Message, Middlebox, Payload
from harness.wire import messages

_ALTERED = frozenset({"TransactionUpdate", "TransactionUpdateLight"})


class Altering:
    """`Middlebox.alter`: payloads to send instead of one message."""

    def __init__(self, fault: Frames, box: Middlebox, loop: asyncio.AbstractEventLoop) -> None:
        self.times_ns: list[int] = []
        self._fault, self._box, self._loop = fault, box, loop
        self._count = 0
        self._held: dict[int, bytes] = {}

    def __call__(self, message: Message) -> list[Payload]:
        held = self._held.pop(message.socket, None)
        payload = Payload(message.payload)
        if not _is_update(message.payload):
            return [payload] if held is None else [payload, Payload(held)]
        self._count += 1
        if held is not None:
            return [payload, Payload(held)]  # the earlier one comes after its successor
        if self._count % self._fault.every:
            return [payload]
        self.times_ns.append(time.monotonic_ns())
        return self._altered(message)

    def _altered(self, message: Message) -> list[Payload]:
        payload, what = message.payload, self._fault.what
        if what == "duplicate":
            return [Payload(payload), Payload(payload)]
        if what == "drop":
            return []
        if what == "truncate":
            return [Payload(payload[: len(payload) // 2], spoilt=True)]
        if what == "corrupt":
            return [Payload(_spoilt(payload), spoilt=True)]
        if what == "reorder":
            self._held[message.socket] = payload
        else:
            self._loop.call_later(self._fault.delay_ms / 1000, self._pass, message.socket, payload)
        return []

    def release(self) -> None:
        """What is still held goes on its way, late."""
        for socket, payload in self._held.items():
            self._pass(socket, payload)
        self._held.clear()

    def _pass(self, socket: int, payload: bytes) -> None:
        self._box.inject(socket, payload, crossed=True)


def _is_update(payload: bytes) -> bool:
    try:
        return messages.open_envelope(payload)[0] in _ALTERED
    except WireError:
        return False


def _spoilt(payload: bytes) -> bytes:
    """One letter in the middle is another: often still JSON, never the same."""
    middle = len(payload) // 2
    return payload[:middle] + (b"#" if payload[middle : middle + 1] != b"#" else b"%") + payload[middle + 1 :]
