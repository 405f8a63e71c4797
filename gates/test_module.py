"""The module on the running server: what was published is what runs."""

from __future__ import annotations

from harness.checkers.contract import ContractBroken
from harness.checkers.hashes import HashMismatch
from harness.checkers.order import InconsistentOffset
from harness.checkers.writes import LostWrite
from harness.gate import gate
from harness.lab.program import program_hash, running_program
from harness.scenario import Scenario
from harness.wire.http import HttpRefused
from harness.workload.traffic import Traffic, contradicting

EVENTS = 5


def _expect(scene: Scenario, clause: str, expected: object, observed: object) -> None:
    scene.record.expect("module", clause, expected, observed)


@gate(
    "module/published",
    checkers=[ContractBroken(), LostWrite(), HashMismatch(), InconsistentOffset()],
    floors={"request": 8 + EVENTS, "append": EVENTS + 1, "final_read": EVENTS + 1},
)
async def test_module_published(scene: Scenario) -> None:
    """C-03: the module builds, publishes, its schema is read back from the running server, and the digest of the
    running program is that of the artifact."""
    http, database, artifact = scene.lab.http, scene.lab.database, program_hash(scene.lab.wasm)
    _expect(
        scene, "the running program, by st_module, is the artifact", artifact, await running_program(http, database)
    )
    _expect(
        scene, "the initial program, by GET /v1/database, is the artifact", artifact, await http.program_hash(database)
    )
    events, presence = scene.config.module.tables.events, scene.config.module.tables.presence
    told = [(events.name, [events.stream, events.seq, events.idem_key, events.hash])]
    if presence.name:
        told.append((presence.name, [column for column in (presence.connection, presence.identity) if column]))
    for table, columns in told:
        there = scene.schema.table(table).column_names if table in scene.schema.tables else []
        _expect(scene, f"table {table} has the columns", columns, [name for name in columns if name in there])
    for reducer in scene.config.module.reducers:
        _expect(scene, f"reducer {reducer} is there", True, reducer in scene.schema.reducers)
    await _append_and_read(scene)
    await _refuse_garbage(scene)
    _expect(scene, "after a refused publish the artifact still runs", artifact, await running_program(http, database))


async def _append_and_read(scene: Scenario) -> None:
    """Events by the module's own reducer, without the subject: the module works, and not only loads. The same again is
    no second event, and other content under a known key is a conflict."""
    appender = scene.appender()
    (stream,) = scene.streams(1, prefix="signoff.module")
    traffic = Traffic(scene.rng, scene.nonce)
    events = [traffic.event(stream) for _ in range(EVENTS)]
    for event in events:
        _expect(scene, f"{event.idem_key} is accepted", True, await appender.append(event) == "ok")
    first = events[0]
    _expect(scene, f"{first.idem_key} again is accepted", True, await appender.append(first) == "ok")
    other = contradicting(first)
    _expect(scene, f"{first.idem_key} with another payload is refused", False, await appender.append(other) == "ok")
    held = await scene.observer.events([stream])
    _expect(scene, "each accepted event is one row", sorted(e.key for e in events), sorted(str(e.key) for e in held))
    await scene.observer.final_read([stream])


async def _refuse_garbage(scene: Scenario) -> None:
    """A server that takes anything for a module proves nothing by taking ours."""
    try:
        await scene.lab.http.publish(scene.lab.database, b"\x00asm no module")
        refused = False
    except HttpRefused:
        refused = True
    _expect(scene, "bytes that are no module are refused", True, refused)
