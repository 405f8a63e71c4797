"""Ports for one harness process, from 20000 to 32000, each held by a file lock until it is given back.

That range lies below the kernel's ephemeral ports, so that no outgoing connection of ours takes one
between our look and a server's bind. The lock ends with the process that holds it.

    with Ports() as ports:
        port = ports.take()
"""

from __future__ import annotations

import fcntl
import os
import socket
import tempfile
from pathlib import Path
from types import TracebackType
from typing import ClassVar

from harness.errors import LabError
from harness.lab.account import peers_of

FIRST, LAST = 20_000, 31_999


class Ports:
    """Ports held by this process. All of a process go round the range together, from where other
    processes do not start: neighbours in pid are far apart."""

    _turn: ClassVar[int] = os.getpid() * 97

    def __init__(self, first: int = FIRST, last: int = LAST) -> None:
        self._first, self._last = first, last
        self._folder = Path(tempfile.gettempdir()) / f"signoff-ports-{os.getuid()}"
        self._held: dict[int, int] = {}

    def take(self) -> int:
        """A port that nobody listens on and that no other harness process holds."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for _ in range(self._last - self._first + 1):
            port = self._first + Ports._turn % (self._last - self._first + 1)
            Ports._turn += 1
            if self._lock(port):
                if _bindable(port) and not peers_of(port):
                    return port
                self.give_back(port)
        raise LabError(
            f"no free port between {self._first} and {self._last}", hint="end the processes that listen there"
        )

    def hold(self, port: int) -> int:
        """This very port, which may be any. LabError when somebody listens there, or another run of ours holds it."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not self._lock(port):
            raise LabError(f"port {port} is held by another run", hint="wait for its end")
        with socket.socket() as probe:
            # An old connection of it is no obstacle here: whoever runs already may have several.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError as error:
                self.give_back(port)
                hint = "end the server there: the lab stands in its place while the gates are played"
                raise LabError(f"port {port} cannot be listened on: {error.strerror}", hint=hint) from error
        return port

    def _lock(self, port: int) -> bool:
        if port in self._held:
            return False
        file = os.open(self._folder / str(port), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(file)
            return False
        self._held[port] = file
        return True

    def give_back(self, port: int) -> None:
        os.close(self._held.pop(port))

    def close(self) -> None:
        for port in list(self._held):
            self.give_back(port)

    def __enter__(self) -> Ports:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _bindable(port: int) -> bool:
    # Without SO_REUSEADDR, and with no connection to or from it, not even in TIME_WAIT: the socket
    # table of a new scenario holds nothing of an older one.
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
