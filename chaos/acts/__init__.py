"""What each fault does to a scene, and undoes. One act per kind, with the witness that belongs to it.

An act is switched on once and off once; `off` also undoes one that failed half way.

    act = act_of(scene, Latency(ms=200), "desktop")
    await act.on()
    await act.off()
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from chaos import faults
from chaos.acts import paths, processes, servers
from chaos.acts.base import Act
from harness.scenario import Scenario

ACTS: Mapping[type[faults.Fault], Callable[..., Act]] = {  # type: ignore[type-arg]
    faults.ProxyDown: paths.ProxyDownAct,
    faults.Reset: paths.ResetAct,
    faults.HalfOpen: paths.HalfOpenAct,
    faults.Latency: paths.LatencyAct,
    faults.Bandwidth: paths.BandwidthAct,
    faults.Slicing: paths.SlicingAct,
    faults.LostReply: paths.LostReplyAct,
    faults.Sunk: paths.SunkAct,
    faults.ServerKill: servers.ServerAct,
    faults.ServerRestore: servers.ServerRestoreAct,
    faults.ServerWipe: servers.ServerWipeAct,
    faults.Prune: servers.PruneAct,
    faults.Republish: servers.RepublishAct,
    faults.Pause: processes.PauseAct,
    faults.Kill: processes.kill_act,
    faults.KillAtSyscall: processes.KillAtSyscallAct,
    faults.TornState: processes.TornStateAct,
    faults.Rotate: processes.RotateAct,
    faults.DiskFull: processes.DiskFullAct,
    faults.Frames: paths.FramesAct,
}


def act_of(scene: Scenario, fault: faults.Fault, target: str, window: str = "w") -> Act[faults.Fault]:
    """What this fault does to this target."""
    return ACTS[type(fault)](scene, fault, target, window)
