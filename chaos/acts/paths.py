"""Acts on a path: Toxiproxy's toxics, the sink in the proxy's place, the relay that cuts replies, altered frames."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from chaos import faults
from chaos.acts.base import F, OnPath
from chaos.frames import Altering
from chaos.witnesses import paths as witnesses
from chaos.witnesses.base import Witness
from harness.lab.sink import Attempt, Sink
from harness.scenario import Scenario

FILL_BYTES = 4096  # of our own request under slicing: enough pieces to be slower


class ProxyDownAct(OnPath[faults.ProxyDown]):
    async def on(self) -> None:
        await self.scene.lab.toxics.set_enabled(self.target, False)

    async def off(self) -> None:
        await self.scene.lab.toxics.set_enabled(self.target, True)

    def witness(self) -> Witness:
        return witnesses.RefusedConnects(self.path.port)


class ToxicAct(OnPath[F]):
    """One or more toxics of Toxiproxy, by the names that it gives them back."""

    def toxics(self) -> list[tuple[str, str, Mapping[str, int]]]:
        """(type, stream, attributes)"""
        raise NotImplementedError

    async def on(self) -> None:
        for kind, stream, attributes in self.toxics():
            name = f"{self.window}-{kind}-{stream}"
            await self.scene.lab.toxics.add(self.target, kind, stream, attributes, name)

    async def off(self) -> None:
        for kind, stream, _ in self.toxics():
            await self.scene.lab.toxics.remove(self.target, f"{self.window}-{kind}-{stream}")


class ResetAct(ToxicAct[faults.Reset]):
    def toxics(self) -> list[tuple[str, str, Mapping[str, int]]]:
        return [("reset_peer", "downstream", {"timeout": 0}), ("reset_peer", "upstream", {"timeout": 0})]

    def witness(self) -> Witness:
        return witnesses.ResetAnswers(self.path.port)


class HalfOpenAct(ToxicAct[faults.HalfOpen]):
    def toxics(self) -> list[tuple[str, str, Mapping[str, int]]]:
        return [("timeout", "downstream", {"timeout": 0}), ("timeout", "upstream", {"timeout": 0})]

    def witness(self) -> Witness:
        return witnesses.NoAnswers(self.path.port)


class LatencyAct(ToxicAct[faults.Latency]):
    def toxics(self) -> list[tuple[str, str, Mapping[str, int]]]:
        return [("latency", "downstream", {"latency": self.fault.ms, "jitter": 0})]

    def witness(self) -> Witness:
        return witnesses.Slower(self.path.port, needed_ms=self.fault.ms / 2)


class BandwidthAct(ToxicAct[faults.Bandwidth]):
    def toxics(self) -> list[tuple[str, str, Mapping[str, int]]]:
        return [("bandwidth", "upstream", {"rate": self.fault.kb_per_s}),
                ("bandwidth", "downstream", {"rate": self.fault.kb_per_s})]  # fmt: skip

    def witness(self) -> Witness:
        needed_ms = FILL_BYTES / 1024 / self.fault.kb_per_s * 1000 / 2
        return witnesses.Slower(self.path.port, needed_ms=needed_ms, fill_bytes=FILL_BYTES)


class SlicingAct(ToxicAct[faults.Slicing]):
    def toxics(self) -> list[tuple[str, str, Mapping[str, int]]]:
        sizes = {"average_size": self.fault.bytes, "size_variation": 0, "delay": self.fault.delay_us}
        return [("slicer", "upstream", sizes)]

    def witness(self) -> Witness:
        needed_ms = FILL_BYTES / self.fault.bytes * self.fault.delay_us / 1000 / 2
        return witnesses.Slower(self.path.port, needed_ms=needed_ms, fill_bytes=FILL_BYTES)


class LostReplyAct(OnPath[faults.LostReply]):
    async def on(self) -> None:
        self.path.relay.cutting = True

    async def off(self) -> None:
        self.path.relay.cutting = False

    def witness(self) -> Witness:
        return witnesses.CutReplies(self.path.relay)


class SunkAct(OnPath[faults.Sunk]):
    """The sink takes the proxy's own port; each attempt becomes an Op, stamped on arrival."""

    def __init__(self, scene: Scenario, fault: faults.Sunk, target: str, window: str) -> None:
        super().__init__(scene, fault, target, window)
        self._sink = Sink(self.path.port, on_attempt=self._note)

    def _note(self, attempt: Attempt) -> None:
        replica = self.target if self.target in ("runtime", "control") else None
        self.scene.record.op(
            "sink", "connect", "fail", fault=self.window, identity=attempt.identity, replica=replica, error="reset"
        )

    async def on(self) -> None:
        await self.scene.lab.toxics.set_enabled(self.target, False)
        await self._sink.start()

    async def off(self) -> None:
        await self._sink.close()
        await self.scene.lab.toxics.set_enabled(self.target, True)

    def witness(self) -> Witness:
        return witnesses.SinkSaw(self._sink)


class FramesAct(OnPath[faults.Frames]):
    def __init__(self, scene: Scenario, fault: faults.Frames, target: str, window: str) -> None:
        super().__init__(scene, fault, target, window)
        self._altering = Altering(fault, scene.crossing.box, asyncio.get_running_loop())

    async def on(self) -> None:
        self.scene.crossing.box.alter = self._altering

    async def off(self) -> None:
        self.scene.crossing.box.alter = None
        self._altering.release()

    def witness(self) -> Witness:
        return witnesses.Altered(lambda: self._altering.times_ns)
