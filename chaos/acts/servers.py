"""Acts on the server: killed, brought back with other data, pruned, published over."""

from __future__ import annotations

from pathlib import Path

from chaos import faults
from chaos.acts.base import Act, F
from chaos.modules import other_column, same_code
from chaos.witnesses import servers as witnesses
from chaos.witnesses.base import Witness
from chaos.witnesses.processes import GoneAndBack
from harness.errors import UserError
from harness.history import Restarted
from harness.lab.program import program_hash
from harness.scenario import Scenario
from harness.wire.http import HttpRefused


class ServerAct(Act[F]):
    how: str = "kill"

    async def on(self) -> None:
        await self.scene.lab.server.kill()

    async def off(self) -> None:
        """Record that it comes back and with what, and start it again."""
        lab = self.scene.lab
        if lab.server.process.alive:
            await lab.server.kill()
        self.change_data()
        # Recorded while nobody can be connected: what is seen on a connection afterwards belongs to the new data.
        heads = lab.data_heads if self.how == "restore" else {}
        data = Restarted(self.how, lab.server.process.pid, heads)  # type: ignore[arg-type]
        self.scene.record.op("lab", "restart", data=data)
        await lab.server.start(lab.witness_relay.url)
        await self.operate()

    def change_data(self) -> None:
        """What happens to its data while it is down."""

    async def operate(self) -> None:
        """What its operator does once it is up."""

    def witness(self) -> Witness:
        return GoneAndBack(lambda: self.scene.lab.server.process.pid)


class ServerRestoreAct(ServerAct[faults.ServerRestore]):
    how = "restore"

    def change_data(self) -> None:
        copy: Path | None = self.scene.lab.data_copy
        if copy is None:
            raise UserError("there is no older copy of the server's data: the drill takes one before its schedule")
        self.scene.lab.server.put_data(copy)


class ServerWipeAct(ServerAct[faults.ServerWipe]):
    how = "wipe"

    def change_data(self) -> None:
        self.scene.lab.server.put_data(None)

    async def operate(self) -> None:
        await self.scene.lab.republish()


class PruneAct(Act[faults.Prune]):
    async def on(self) -> None:
        for stream, head in (await self.scene.observer.heads()).items():
            if head > self.fault.keep:
                await self.scene.prune(stream, head - self.fault.keep)

    async def off(self) -> None:
        """Retention is not undone."""

    def witness(self) -> Witness:
        return witnesses.Pruned(self.scene.observer)


class RepublishAct(Act[faults.Republish]):
    def __init__(self, scene: Scenario, fault: faults.Republish, target: str, window: str) -> None:
        super().__init__(scene, fault, target, window)
        wasm, column = scene.lab.wasm, scene.config.module.tables.events.payload
        self._offered = same_code(wasm, window) if fault.compatible else other_column(wasm, column)

    async def on(self) -> None:
        lab = self.scene.lab
        try:
            await lab.http.publish(lab.database, self._offered)
        except HttpRefused as refused:
            self.answer = f"{refused.status} {refused.text[:120]}"

    answer = "accepted"

    async def off(self) -> None:
        """Record what the server said. The module stays: both run the same code."""
        expected = "accepted" if self.fault.compatible else "refused"
        said = self.answer if self.answer == "accepted" else "refused"
        what = "a compatible module" if self.fault.compatible else "a module whose events table lacks a column"
        self.scene.record.expect("server", f"{self.window}: {what} is {expected}", expected, said)

    def witness(self) -> Witness:
        lab, offered = self.scene.lab, program_hash(self._offered)
        if self.fault.compatible:
            return witnesses.Runs(lab.http, lab.database, offered)
        return witnesses.Offered(lab.server.log, offered)
