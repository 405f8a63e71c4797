"""The faults as data: small frozen types with their units. What they do is in acts, what shows it in witnesses.

A fault has a kind (its name in a schedule and in a history) and settings in plain numbers and texts. `tolerable` says
that a correct system stays live under it, so that liveness is still demanded.

    Latency(ms=200).kind == "latency"
    Latency(ms=200).settings == {"ms": 200}
"""

from __future__ import annotations

from typing import ClassVar, Literal

import msgspec


class Fault(msgspec.Struct, frozen=True, tag_field="kind", forbid_unknown_fields=True):
    """Base of all."""

    tolerable: ClassVar[bool] = False

    @property
    def kind(self) -> str:
        return str(self.__struct_config__.tag)

    @property
    def settings(self) -> dict[str, float | str]:
        """What stands in the history: numbers and texts, a flag as "true" or "false"."""
        values = {name: getattr(self, name) for name in self.__struct_fields__}
        return {name: str(value).lower() if isinstance(value, bool) else value for name, value in values.items()}


# ---------------------------------------------------------------- a path: Toxiproxy, sink, relay


class ProxyDown(Fault, frozen=True, tag="proxy-down"):
    """Toxiproxy refuses connections and has ended those that were open."""


class Reset(Fault, frozen=True, tag="reset"):
    """Connections are reset as soon as traffic flows (Toxiproxy's reset_peer; those open before get a FIN)."""


class HalfOpen(Fault, frozen=True, tag="half-open"):
    """Bytes stop in both directions, connections stay."""


class Latency(Fault, frozen=True, tag="latency"):
    """Added to what comes from the server, without jitter: the schedule owns all randomness."""

    ms: int
    tolerable: ClassVar[bool] = True


class Bandwidth(Fault, frozen=True, tag="bandwidth"):
    """In both directions, in KB per second."""

    kb_per_s: int
    tolerable: ClassVar[bool] = True


class Slicing(Fault, frozen=True, tag="slicing"):
    """Upstream bytes arrive in pieces of about this size, each this much later."""

    bytes: int
    delay_us: int = 100
    tolerable: ClassVar[bool] = True


class LostReply(Fault, frozen=True, tag="lost-reply"):
    """Requests go through to the server; what it answers ends the connection instead."""


class Sunk(Fault, frozen=True, tag="sunk"):
    """A sink stands in the server's place, resets every attempt and notes its time."""


# ---------------------------------------------------------------- the server


class ServerKill(Fault, frozen=True, tag="server-kill"):
    """SIGKILL at the beginning, a start with the same data at the end."""


class ServerRestore(Fault, frozen=True, tag="server-restore"):
    """SIGKILL, and a start with the copy of its data that the drill took before."""


class ServerWipe(Fault, frozen=True, tag="server-wipe"):
    """SIGKILL, and a start with no data; the operator publishes the module again."""


class Prune(Fault, frozen=True, tag="prune"):
    """The retention floor of every stream moves to so many events below its head. Nothing is undone at the end."""

    keep: int = 2
    tolerable: ClassVar[bool] = True


class Republish(Fault, frozen=True, tag="republish"):
    """A module is published over the running one: the same code under another hash, or one whose events table lacks a
    column, which the server must refuse."""

    compatible: bool = True
    tolerable: ClassVar[bool] = True


# ---------------------------------------------------------------- a process of the subject


class Pause(Fault, frozen=True, tag="pause"):
    """SIGSTOP at the beginning, SIGCONT at the end."""


class Kill(Fault, frozen=True, tag="kill"):
    """SIGKILL at once, or so long after the n-th Op of a kind (such as "apply") of that process was recorded inside the
    window; started again at the end. A window in which that Op never came kills nobody, and is not witnessed."""

    after: str = ""
    nth: int = 0
    delay_ms: int = 0


class KillAtSyscall(Fault, frozen=True, tag="kill-at-syscall"):
    """SIGKILL in the n-th call of these system calls after the window began, by strace's injection: before the call
    takes effect. Started again at the end."""

    syscalls: str = "fsync,fdatasync"
    nth: int = 1


class TornState(Fault, frozen=True, tag="torn-state"):
    """SIGKILL; the files of the process's folder are gone, empty, or begin with a block of noughts, as a torn write may
    leave them; started again at the end. No file is left at an earlier state: a store may rightly go on from there."""

    how: Literal["missing", "empty", "spoilt"]


class Rotate(Fault, frozen=True, tag="rotate"):
    """Control's next key signs from here on; what it signed before stays good. Nothing is undone at the end."""

    tolerable: ClassVar[bool] = True


class DiskFull(Fault, frozen=True, tag="disk-full"):
    """The small disk of a surface has no room left, until the end."""


# ---------------------------------------------------------------- frames towards a desktop


class Frames(Fault, frozen=True, tag="frames"):
    """What the middlebox does to the update messages that cross towards desktops: to each n-th of them."""

    what: Literal["duplicate", "drop", "delay", "reorder", "truncate", "corrupt"]
    every: int = 3
    delay_ms: int = 100


ANY = (
    ProxyDown
    | Reset
    | HalfOpen
    | Latency
    | Bandwidth
    | Slicing
    | LostReply
    | Sunk
    | ServerKill
    | ServerRestore
    | ServerWipe
    | Prune
    | Republish
    | Pause
    | Kill
    | KillAtSyscall
    | TornState
    | Rotate
    | DiskFull
    | Frames
)
