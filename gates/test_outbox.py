"""The runtime's outbox: what it acknowledged outlives an outage and its death; a spoilt store is no empty one."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

from harness.checkers.contract import ContractBroken
from harness.checkers.hashes import HashMismatch
from harness.checkers.order import InconsistentOffset
from harness.checkers.writes import LostWrite
from harness.errors import SubjectError
from harness.gate import gate
from harness.scenario import Scenario
from harness.surfaces.runtime import RuntimeSurface
from harness.wait import WaitedTooLong, wait_until
from harness.workload.traffic import Sent, Traffic, publish

STREAMS, EACH = 2, 6
SAFETY = [LostWrite(), HashMismatch(), InconsistentOffset(), ContractBroken()]
REFUSE_TIMEOUT_MS = 8_000


async def _each_once(scene: Scenario, streams: list[str], events: list[Sent]) -> None:
    """Every event is one row, and each stream has them in the order of their publishing."""
    held = await scene.observer.events(streams)
    for stream in streams:
        in_order = sorted((event for event in held if event.stream == stream), key=lambda event: event.seq)
        rows = [str(event.key) for event in in_order[scene.own_events([stream]) :]]
        sent = [event.key for event in events if event.stream == stream]
        scene.record.expect("runtime", f"{stream}: each event is there once, in order", sent, rows)


@gate(
    "runtime/durable-outbox",
    surfaces=["runtime"],
    checkers=SAFETY,
    floors={"publish": 4 * STREAMS * EACH, "final_read": 4 * STREAMS * EACH + 1, "request": 12},
    timeout_s=150,
)
async def test_durable_outbox(scene: Scenario) -> None:
    """S-07, C-07: what is acknowledged while the server is away outlives the runtime's death, and arrives once, in
    order; a store that was cut or spoilt is refused loudly, and never taken for an empty one."""
    runtime = await scene.start_runtime()
    streams, traffic = await scene.open_streams(STREAMS), Traffic(scene.rng, scene.nonce)
    events = traffic.events(streams, each=EACH)
    await publish(runtime, events)
    runtime.expect("with the server there, events arrive", True, await scene.settle(streams, len(events)))
    await _outage(scene, runtime, streams, events, traffic)
    await _spoilt_store(scene, runtime, streams, events, traffic)
    await _each_once(scene, streams, events)
    await scene.observer.final_read(streams)


async def _outage(
    scene: Scenario, runtime: RuntimeSurface, streams: list[str], events: list[Sent], traffic: Traffic
) -> None:
    """Away; published; killed; started again, still away; published; back. A runtime that takes nothing meanwhile keeps
    nothing either: no violation, but then nobody saw an outbox."""
    before = len(events) + scene.own_events(streams)
    await scene.lab.toxics.set_enabled("runtime", False)
    for round_number in range(2):
        more = traffic.events(streams, each=EACH)
        said = await publish(runtime, more)
        events += more
        taken = sum(one.phase == "ok" for one in said)
        if not taken:
            raise SubjectError(
                f"the runtime takes no event while the server is away (it answered {said[0].status} to all "
                f"{len(more)}): that its outbox keeps what it took was not shown"
            )
        runtime.expect(f"round {round_number}: events are taken while the server is away", len(more), taken)
        runtime.expect(f"round {round_number}: and are not in the server", before, await scene.held())
        await runtime.child.kill()
        await scene.start_runtime()
    await scene.lab.toxics.set_enabled("runtime", True)
    runtime.expect("after the outage, all of them arrive", True, await scene.settle(streams, len(events)))
    await _each_once(scene, streams, events)


def _half(path: Path, rng: random.Random) -> None:
    os.truncate(path, path.stat().st_size // 2)


def _nothing(path: Path, rng: random.Random) -> None:
    os.truncate(path, 0)


def _noise(path: Path, rng: random.Random) -> None:
    """All but the first half of its bytes are others."""
    data = path.read_bytes()
    keep = len(data) // 2
    path.write_bytes(data[:keep] + rng.randbytes(len(data) - keep))


DAMAGES: dict[str, Callable[[Path, random.Random], None]] = {
    "cut in half": _half,
    "cut to nothing": _nothing,
    "overwritten": _noise,
}


async def _spoilt_store(
    scene: Scenario, runtime: RuntimeSurface, streams: list[str], events: list[Sent], traffic: Traffic
) -> None:
    """Events wait in the store of a runtime that was stopped; the store is spoilt. Whoever starts with it all the same
    must still have them: that is left as it is, and judged by what arrives."""
    folder = scene.folder("runtime")
    await scene.lab.toxics.set_enabled("runtime", False)
    more = traffic.events(streams, each=EACH)
    await publish(runtime, more)
    events += more
    await runtime.child.stop()
    whole = folder.with_name("runtime-whole")
    shutil.copytree(folder, whole)
    store = _largest(folder)
    went_on = False
    for what, damage in DAMAGES.items():
        shutil.rmtree(folder)
        shutil.copytree(whole, folder)
        damage(store, scene.rng)
        if not await _refused(scene, runtime, what):
            went_on = True
            break
    if not went_on:
        shutil.rmtree(folder)
        shutil.copytree(whole, folder)
        await scene.start_runtime()
    await scene.lab.toxics.set_enabled("runtime", True)
    runtime.expect("with the store as it was, all of them arrive", True, await scene.settle(streams, len(events)))


def _largest(folder: Path) -> Path:
    """The store, whatever it is called. SubjectError when the folder that it was given is empty."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    if not files:
        raise SubjectError(
            "the runtime keeps nothing in its folder, so its store cannot be spoilt",
            hint="lead it there with {dir} in [runtime.env] of signoff.toml",
        )
    return max(files, key=lambda path: path.stat().st_size)


async def _refused(scene: Scenario, runtime: RuntimeSurface, what: str) -> bool:
    """Start it once on the spoilt store: it must end, with a code that is not 0, and say why."""
    child = runtime.child
    logged = child.log.stat().st_size if child.log.is_file() else 0
    await child.spawn(runtime.variables)

    async def is_decided() -> bool:
        return not child.process.alive or await _serves(runtime)

    try:
        await wait_until(is_decided, timeout_ms=REFUSE_TIMEOUT_MS, what="the runtime to end or to serve")
    except WaitedTooLong as error:
        scene.record.op("gate", "settle", "info", error=str(error))
    code = child.process.returncode
    runtime.expect(f"a store that is {what} is refused", "ended", "ended" if code is not None else "started")
    if code is None:
        return False
    runtime.expect(f"a store that is {what}: the exit code is not 0", True, code != 0)
    said = child.log.stat().st_size - logged if child.log.is_file() else 0
    runtime.expect(f"a store that is {what}: it says why", True, said > 0)
    return True


async def _serves(runtime: RuntimeSurface) -> bool:
    try:
        return 200 <= (await runtime.web.send("GET", runtime.config.ready)).status < 300
    except SubjectError:
        return False
