"""The runtime is the authority: it decides the sequence, and gives the server its projection back."""

from __future__ import annotations

import asyncio

from harness.checkers.contract import ContractBroken
from harness.checkers.hashes import HashMismatch
from harness.checkers.order import InconsistentOffset
from harness.checkers.replicas import DuplicateApply, GapOrReorder
from harness.checkers.writes import LostWrite
from harness.errors import SubjectError
from harness.gate import ALL, gate
from harness.history import Restarted
from harness.scenario import Scenario
from harness.surfaces.events import Event
from harness.surfaces.runtime import RuntimeSurface
from harness.wait import WaitedTooLong, wait_until
from harness.workload.traffic import Sent, Traffic, publish

EACH, RACERS = 5, 8
STREAMS = 2
REBUILD_TIMEOUT_MS = 25_000


@gate(
    "runtime/sequence-conflict",
    surfaces=["runtime"],
    checkers=[LostWrite(), HashMismatch(), InconsistentOffset(), ContractBroken()],
    floors={"publish": EACH, "append": 3, "final_read": EACH + 4, "request": 14},
)
async def test_sequence_conflict(scene: Scenario) -> None:
    """S-07: a writer that expects another head is refused, by the server and by the runtime; of several that expect
    the same one, one wins; the refused events are nowhere, and the stream goes on."""
    runtime = await scene.start_runtime()
    (stream,), (other,) = await scene.open_streams(1), scene.streams(1, prefix="signoff.sequence")
    traffic = Traffic(scene.rng, scene.nonce)
    events = [traffic.event(stream) for _ in range(EACH)]
    await publish(runtime, events)
    runtime.expect("without an expectation, events arrive", True, await scene.settle([stream], EACH))
    refused = await _at_the_server(scene, traffic, other)
    refused += await _at_the_runtime(scene, runtime, traffic, stream)
    later = traffic.event(stream)
    (said,) = await publish(runtime, [later])
    runtime.expect("after the conflicts the stream goes on", "ok", said.phase)
    await scene.settle([stream, other], EACH + 1 + 1 + 3)
    held = {str(event.key) for event in await scene.observer.events([stream, other])}
    there = sorted(event.key for event in refused if event.key in held)
    runtime.expect("none of the refused events is in the server", [], there)
    await scene.observer.final_read([stream, other])


async def _at_the_server(scene: Scenario, traffic: Traffic, stream: str) -> list[Sent]:
    """The module's own check, called as any writer would."""
    appender, first = scene.appender(), traffic.event(stream)
    call = scene.config.module.append
    if call is None or "{expected_seq}" not in map(str, call.args):
        raise SubjectError("no append can expect a head", hint="put {expected_seq} into module.append of signoff.toml")
    expect = scene.record.expect
    expect("server", "the next seq as expected: accepted", "ok", await appender.append(first, 1))
    wrong = [traffic.event(stream) for _ in range(3)]
    for event, expected in zip(wrong, (1, 3, 99), strict=True):
        expect("server", f"seq {expected} expected, 2 is next: refused", "fail", await appender.append(event, expected))
    for number in (2, 3):
        expect("server", f"seq {number} expected, {number} is next: accepted", "ok",
               await appender.append(traffic.event(stream), number))  # fmt: skip
    heads = await scene.observer.heads()
    expect("server", "the head is where the accepted ones left it", 3, heads.get(stream))
    return wrong


async def _at_the_runtime(scene: Scenario, runtime: RuntimeSurface, traffic: Traffic, stream: str) -> list[Sent]:
    """The runtime's own check, alone and in a race."""
    if runtime.config.publish_after is None:
        raise SubjectError("no event can be published after a known one", hint="add [runtime.publish_after]")
    refused: list[Sent] = []
    last = EACH + scene.own_events([stream])
    for previous in (0, last - 1, last + 7):
        event = traffic.event(stream)
        status = await _publish_after(runtime, event, previous)
        runtime.expect(f"after seq {previous}, where the last is {last}: a conflict", 409, status)
        refused.append(event)
    racers = [traffic.event(stream) for _ in range(RACERS)]
    statuses = await asyncio.gather(*(_publish_after(runtime, event, last) for event in racers))
    step = runtime.config.publish_after
    won = [event for event, status in zip(racers, statuses, strict=True) if status in step.expect]
    runtime.expect(f"of {RACERS} writers after seq {last}, one wins", 1, len(won))
    conflicts = sum(status == 409 for status in statuses)
    runtime.expect("all others are told of the conflict", RACERS - 1, conflicts)
    held = await _arrived(scene, stream, last + 1)
    at_place = [str(event.key) for event in held if event.seq == last + 1]
    runtime.expect(f"seq {last + 1} in the server is the winner's", [event.key for event in won], at_place)
    return [*refused, *(event for event in racers if event not in won)]


async def _arrived(scene: Scenario, stream: str, count: int) -> list[Event]:
    async def enough() -> bool:
        return len(await scene.observer.events([stream])) >= count

    try:
        await wait_until(enough, timeout_ms=REBUILD_TIMEOUT_MS, what=f"{count} events of {stream}")
    except WaitedTooLong as error:
        scene.record.op("gate", "settle", "info", error=str(error))
    return await scene.observer.events([stream])


async def _publish_after(runtime: RuntimeSurface, event: Sent, previous: int) -> int:
    """The status. Whether it was acknowledged is asked of the answer, and where it went of the server."""
    step = runtime.config.publish_after
    assert step is not None
    variables = runtime.event_variables(event.stream, event.payload, event.idem_key)
    variables["previous_seq"] = previous
    return (await runtime.fast.perform(step, variables)).status


@gate(
    "runtime/authority-rebuild",
    surfaces=ALL,
    checkers=[
        LostWrite(restores_excuse=False), DuplicateApply(), GapOrReorder(), HashMismatch(), InconsistentOffset(),
        ContractBroken(),
    ],
    floors={"publish": 2 * STREAMS * EACH, "apply": 2 * STREAMS * EACH, "restart": 1, "bootstrap": 2 * STREAMS,
            "final_read": 4 * STREAMS * EACH + 3, "request": 7},
)  # fmt: skip
async def test_authority_rebuild(scene: Scenario) -> None:
    """K-06, INV-06: the runtime's database is the authority and sync is delivery only: the server's data are wiped, and
    the projection is rebuilt to the same state hash, at the server and at the desktop."""
    await scene.start_control()
    runtime = await scene.start_runtime()
    streams, traffic = await scene.open_streams(STREAMS), Traffic(scene.rng, scene.nonce)
    desktop = await scene.start_desktop()
    session, identity = await scene.sign_in("device-1", streams)
    replica = await desktop.open("d1", session, identity, streams)
    await publish(runtime, traffic.events(streams, each=EACH))
    runtime.expect("before, everything arrives", True, await scene.settle(streams, STREAMS * EACH, [replica]))
    truth = await scene.observer.final_read(streams)
    before = await runtime.state_hash()
    if before is not None:
        runtime.expect("the runtime's state hash is the server's", truth, before)
    await _wipe(scene, runtime)
    if before is not None:
        runtime.expect("the wiped server takes nothing from the runtime", before, await runtime.state_hash())
    if runtime.config.rebuild is not None:
        reply = await runtime.web.perform(runtime.config.rebuild, {})
        runtime.expect("the rebuild is taken", True, reply.expected, reply)
    runtime.expect("the server is filled again", True, await scene.settle(streams, STREAMS * EACH))
    rebuilt = await scene.observer.final_read(streams)
    runtime.expect("the rebuilt projection has the state hash of before", truth, rebuilt)
    await publish(runtime, traffic.events(streams, each=EACH))
    runtime.expect("afterwards, everything arrives", True, await scene.settle(streams, 2 * STREAMS * EACH, [replica]))
    last = await scene.observer.final_read(streams)
    ours, _ = await scene.read_replica(desktop, "d1")
    runtime.expect("the desktop ends in the server's state hash", last, ours)


async def _wipe(scene: Scenario, runtime: RuntimeSurface) -> None:
    """The server comes back with no data, and its operator publishes the module again."""
    lab = scene.lab
    await lab.server.kill()
    lab.server.put_data(None)
    scene.record.op("lab", "restart", data=Restarted("wipe", lab.server.process.pid))
    await lab.toxics.set_enabled("runtime", False)
    await lab.server.start(lab.witness_relay.url)
    await lab.republish()
    runtime.expect("the wiped server holds nothing", 0, await scene.held())
    await lab.toxics.set_enabled("runtime", True)
