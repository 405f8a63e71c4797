"""What a subject has promised to others: the module's schema, its classes of errors, and the way of a command."""

from __future__ import annotations

from gates.recorded import differences, dump, load, normal
from gates.sabotage import COMMAND_FRAME
from gates.test_desktop_wire import SAFETY
from gates.wire import live, polled
from harness.canonical import Json
from harness.checkers.contract import ContractBroken
from harness.checkers.legacy import LegacyLane
from harness.config import ErrorCase, RefusedCall, StepConfig
from harness.errors import SubjectError
from harness.gate import ALL, gate
from harness.history import Bootstrapped, unpack
from harness.lab.keys import ISSUER
from harness.scenario import Scenario
from harness.surfaces.service import Service
from harness.surfaces.web import Web
from harness.template import fill, fill_text
from harness.wire.http import HttpClient, HttpRefused
from harness.workload.traffic import Traffic, publish

TIMES = 3
BIG_BYTES = 4 * 1024 * 1024
CLASSES = ("auth_denied", "payload_limit")
STALE_SESSIONS = 3


@gate("contract/schema", checkers=[ContractBroken()], floors={"request": 6}, on=["lab", "remote"])
async def test_schema(scene: Scenario) -> None:
    """C-17: the running module has the tables, keys and reducers that were recorded, in their order; a drift fails. On
    a remote server without leave to write only the schema is looked at."""
    running = normal(scene.schema)
    scene.keep("schema.json", dump(running))
    recorded = load(scene.config)
    for what, expected, observed in differences(recorded, running):
        scene.record.expect("module", what, expected, observed)
    names = scene.config.module.tables.events
    event = recorded.tables.get(names.name)
    columns = [column.partition(":")[0] for column in event.columns] if event is not None else []
    for column in (names.stream, names.seq, names.idem_key, names.hash):
        scene.record.expect("module", f"the recorded events carry {column}", True, column in columns)
    if scene.may_write:
        await _rows_have_it(scene, columns)


async def _rows_have_it(scene: Scenario, columns: list[str]) -> None:
    """The second look: a row that was written and read back, by SQL, has these columns and no others."""
    (stream,) = scene.streams(1, prefix="signoff.schema")
    name = scene.config.module.tables.events.name
    said = await scene.appender().append(Traffic(scene.rng, scene.nonce).event(stream))
    scene.record.expect("module", "an event is accepted", "ok", said)
    ours = f"SELECT * FROM {name} WHERE {scene.config.module.tables.events.stream} = '{stream}'"
    rows = await scene.http.sql(scene.database, ours)
    scene.record.expect("module", "the event is one row", 1, len(rows))
    for row in rows:
        scene.record.expect("module", "a row has the recorded columns, in their order", columns, list(row))


@gate(
    "contract/error-taxonomy",
    surfaces=ALL,
    checkers=[ContractBroken()],
    floors={"request": 8 * TIMES, "bootstrap": 2 * STALE_SESSIONS, "prune": 1},
)
async def test_error_taxonomy(scene: Scenario) -> None:
    """K-01, C-17: stale_cursor, auth denial, payload limit and every other recorded class is the same each time."""
    await scene.start_control()
    await scene.start_runtime()
    cases = [
        (service, case) for service in (scene.control, scene.runtime) if service is not None for case in service.errors
    ]
    names = {case.name for _, case in cases} | {call.name for call in scene.config.module.refusals}
    missing = [name for name in CLASSES if name not in names]
    if missing or not scene.config.module.refusals:
        raise SubjectError(
            f"no request is known that is refused as {', '.join(missing) or 'a reducer refuses it'}",
            hint="add [[control.errors]], [[runtime.errors]] and [[module.refusals]] to signoff.toml",
        )
    variables = await _variables(scene)
    for service, case in cases:
        await _refused_request(service, case, variables)
    for call in scene.config.module.refusals:
        await _refused_call(scene, call, variables)
    await _stale_cursor(scene)


async def _variables(scene: Scenario) -> dict[str, Json]:
    """Of a session and a stream of their own, with one event in the server."""
    assert scene.control is not None
    (stream,) = scene.streams(1, prefix="runtime.errors")
    event = Traffic(scene.rng, f"{scene.nonce}-errors").event(stream)
    scene.record.expect("server", "an event is accepted", "ok", await scene.appender().append(event))
    session = await scene.control.sign_in(f"alice-{scene.nonce[:6]}", "device-errors")
    known: dict[str, Json] = {**scene.variables(), **scene.control.mint_variables(session, [stream])}
    return {**known, "stream": stream, "idem_key": event.idem_key, "key": event.key, "big": "x" * BIG_BYTES}


async def _refused_request(service: Service, case: ErrorCase, variables: dict[str, Json]) -> None:
    for number in range(TIMES):
        reply = await service.web.perform(
            StepConfig.model_validate(case.model_dump(exclude={"name", "code"})), variables
        )
        code = str(reply.captured.get("code", ""))
        what = f"{case.name}, time {number + 1}: {case.method} {case.path}"
        service.expect(f"{what}: the status", True, reply.status in case.expect, reply)
        if case.code:
            service.expect(f"{what}: the code", case.code, code, reply)


async def _refused_call(scene: Scenario, call: RefusedCall, variables: dict[str, Json]) -> None:
    """The same call by the same caller, the same text each time."""
    stranger = scene.lab.keys.token(ISSUER, f"stranger-{scene.nonce}").token
    scene.record.redactor.add(stranger)
    token = scene.lab.owner.token if call.caller == "owner" else stranger
    args = [fill(argument, variables) for argument in call.args]
    async with HttpClient(scene.lab.witness_relay.url, token) as http:
        for number in range(TIMES):
            try:
                await http.call(scene.lab.database, call.reducer, args)
                said = "accepted"
            except HttpRefused as refused:
                said = refused.text
            wanted = fill_text(call.text, variables)
            found = wanted if wanted in said else said[:200]
            scene.record.expect("module", f"{call.name}, time {number + 1}: {call.reducer}", wanted, found)


async def _stale_cursor(scene: Scenario) -> None:
    """Several sessions with a cursor below the retention floor: each starts again, for the same reason."""
    assert scene.runtime is not None
    streams, traffic = await scene.open_streams(1, prefix="runtime.stale"), Traffic(scene.rng, scene.nonce)
    desktop = await scene.start_desktop()
    names = [f"s{number}" for number in range(STALE_SESSIONS)]
    await publish(scene.runtime, traffic.events(streams, each=4))
    before = await scene.held()
    replicas = []
    for name in names:
        session, identity = await scene.sign_in(name, streams)
        replicas.append(await desktop.open(name, session, identity, streams))
    await scene.settle(streams, 4, replicas)
    for name in names:
        await desktop.close_session(name)
    await publish(scene.runtime, traffic.events(streams, each=4))
    await scene.settle(streams, before + 4)
    await scene.prune(streams[0], 6 + scene.own_events(streams))
    seen = len(scene.record.history().of("bootstrap"))
    for name in names:
        await desktop.resume(name)
    again = scene.record.history().of("bootstrap")[seen:]
    for name in names:
        reasons = [unpack(op, Bootstrapped).reason for op in again if op.replica == name]
        scene.record.expect("desktop", f"{name}: below the floor it starts again", ["stale_cursor"], reasons)


@gate(
    "contract/http-commands-ws-subscriptions",
    surfaces=ALL,
    checkers=[LegacyLane(), ContractBroken(), *SAFETY],
    floors={"publish": 10, "deliver": 10, "apply": 10, "frame": 5, "request": 7},
    sabotages=[COMMAND_FRAME],
)
async def test_http_commands_ws_subscriptions(scene: Scenario) -> None:
    """INV-02, K-02: commands are HTTP only, subscriptions are WebSocket only, on the wire: no command frame leaves a
    desktop's socket, and no row comes to a desktop by HTTP."""
    found = await live(scene)
    await found.publish(4)
    scene.record.expect("desktop", "events arrive", True, await found.settle())
    commands = [one for _, one in scene.crossings["runtime"].asked if not one.upgrades and "/call/" in one.path]
    scene.record.expect("runtime", "its reducer calls were seen as HTTP on its path", True, len(commands) > 0)
    methods = sorted({one.method for one in commands})
    scene.record.expect("runtime", "reducers are called with", ["POST"], methods)
    appended = scene.config.module.append.reducer if scene.config.module.append else ""
    calls = sum(one.path.endswith(f"/call/{appended}") for one in commands)
    scene.record.expect("runtime", "there are at least as many calls as events", True, calls >= found.count)
    scene.record.expect("desktop", "nothing but its socket and the token route crossed its paths", [], polled(scene))
    await _no_other_way(scene, found.streams[0])
    await scene.observer.final_read(found.streams)
    await scene.read_replica(found.desktop, "d1")


async def _no_other_way(scene: Scenario, stream: str) -> None:
    """A subscription without an upgrade is refused by the server; an upgrade on the command route by the runtime."""
    path = f"/v1/database/{scene.lab.database}/subscribe"
    answer = await scene.lab.http.request("GET", path)
    scene.record.expect("server", "a subscription by plain HTTP is refused", True, answer.status_code >= 400)
    assert scene.runtime is not None
    step = scene.runtime.config.publish
    headers = {
        "connection": "Upgrade",
        "upgrade": "websocket",
        "sec-websocket-version": "13",
        "sec-websocket-key": "c2lnbm9mZi1zaWdub2ZmIQ==",
    }
    async with Web(scene.runtime.place.way, host=scene.runtime.place.host) as web:
        path = fill_text(step.path, scene.runtime.event_variables(stream, {}, "upgrade"))
        reply = await web.send("GET", path, headers=headers)
    scene.runtime.expect("the route of commands opens no WebSocket", True, reply.status != 101, reply)
