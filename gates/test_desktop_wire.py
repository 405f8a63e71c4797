"""The desktop on the wire: where it connects, in which protocol, and that nothing else feeds it."""

from __future__ import annotations

import time

from gates.wire import PROTOCOLS, Live, cut_off, kinds_sent, live, live_query_sets, polled, socket_requests
from harness.checkers.contract import ContractBroken
from harness.checkers.hashes import HashMismatch
from harness.checkers.legacy import LegacyLane
from harness.checkers.order import InconsistentOffset
from harness.checkers.replicas import DuplicateApply, GapOrReorder
from harness.checkers.tokens import TokenMisuse
from harness.checkers.writes import LostWrite
from harness.errors import WireError
from harness.gate import ALL, gate
from harness.lab.middlebox import Message, Payload
from harness.scenario import Scenario
from harness.wait import WaitedTooLong, until, wait_until
from harness.wire import messages
from harness.wire.client import Subscription

GAP_TIMEOUT_MS = 15_000
SILENCE_MS = 2_500  # several times the period of any poller that could pass for live
UPDATES = frozenset({"TransactionUpdate", "TransactionUpdateLight"})
SAFETY = [LostWrite(), DuplicateApply(), GapOrReorder(), HashMismatch(), InconsistentOffset()]


def _is_update(payload: bytes) -> bool:
    try:
        return messages.open_envelope(payload)[0] in UPDATES
    except WireError:
        return False


@gate(
    "desktop/subscribe-endpoint",
    surfaces=ALL,
    checkers=[ContractBroken(), LegacyLane(), TokenMisuse(), *SAFETY],
    floors={"connect": 2, "subscribe": 3, "request": 14, "deliver": 10, "apply": 10, "frame": 12},
)
async def test_subscribe_endpoint(scene: Scenario) -> None:
    """A-01, S-02, C-11, C-16: the desktop opens /v1/database/:name_or_identity/subscribe with a documented
    subprotocol, as seen on the wire; its sets of queries are made, dropped and made again after a reconnect."""
    await _negotiation_is_real(scene)
    found = await live(scene)
    await _judge_sockets(scene, found, expected=1)
    before = live_query_sets(scene, found.replica.connection)
    scene.record.expect("desktop", "a set of queries is in force on the socket", True, before > 0)
    first = found.replica.connection
    second = await cut_off(found)
    scene.record.expect("desktop", "a desktop that was cut off comes back on another connection", True, second != "")
    await found.publish(2)
    await found.settle()
    again = live_query_sets(scene, second)
    scene.record.expect("desktop", "after a reconnect it has as many sets of queries as before", before, again)
    await _after_a_gap(scene, found, before)
    await _judge_sockets(scene, found, expected=2)
    sent = kinds_sent(scene, [first, *found.replica.ended, found.replica.connection])
    strangers = sorted(set(sent) - {"Subscribe", "SubscribeSingle", "SubscribeMulti", "Unsubscribe",
                                    "UnsubscribeMulti", "OneOffQuery"})  # fmt: skip
    scene.record.expect("desktop", "it sends nothing but subscriptions and queries", [], strangers)
    await scene.observer.final_read(found.streams)
    await scene.read_replica(found.desktop, "d1")


async def _negotiation_is_real(scene: Scenario) -> None:
    """The positive control: the server opens this endpoint for a documented protocol and for no other, so that what a
    desktop negotiates says something."""
    url, owner = scene.lab.witness_relay.url, scene.lab.owner.token
    async with await Subscription.open(url, scene.lab.database, owner):
        scene.own_sockets += 1
    for protocol, expected in ((PROTOCOLS[0], 101), ("v0.phoenix.websocket", 400)):
        headers = {
            "authorization": f"Bearer {owner}",
            "connection": "Upgrade",
            "upgrade": "websocket",
            "sec-websocket-version": "13",
            "sec-websocket-key": "c2lnbm9mZi1zaWdub2ZmIQ==",
            "sec-websocket-protocol": protocol,
        }
        answer = await scene.lab.http.request("GET", f"/v1/database/{scene.lab.database}/subscribe", headers=headers)
        scene.own_sockets += expected == 101
        clause = f"the server answers an upgrade to {protocol} with {expected}"
        scene.record.expect("server", clause, expected, answer.status_code, answer.status_code)


async def _judge_sockets(scene: Scenario, found: Live, *, expected: int) -> None:
    """Every socket that crossed, beside how many connections the desktop says that it made."""
    identity = (await scene.lab.http.request("GET", f"/v1/database/{scene.lab.database}/identity")).text.strip()
    paths = [f"/v1/database/{name}/subscribe" for name in (scene.lab.database, identity)]
    asked, answered = socket_requests(scene), scene.crossings["desktop"].answered
    scene.record.expect("desktop", f"at least {expected} sockets crossed its path", True, len(asked) >= expected)
    told = sum(op.phase == "ok" for op in scene.record.history().of("connect"))
    upgraded = sum(answered[number].status == 101 for number, _ in asked if number in answered)
    scene.record.expect("desktop", "it tells of as many connections as were opened", upgraded, told)
    for number, request in asked[expected - 1 :]:
        path = request.path if request.path not in paths else "the subscribe route of the database"
        scene.record.expect("desktop", f"socket {number} is asked for at", "the subscribe route of the database", path)
        scene.record.expect("desktop", f"socket {number} is asked for with", "GET", request.method)
        offered = [part.strip() for part in request.headers.get("sec-websocket-protocol", "").split(",")]
        scene.record.expect(
            "desktop", f"socket {number} offers documented protocols alone", [], sorted(set(offered) - set(PROTOCOLS))
        )
        chosen = answered[number].headers.get("sec-websocket-protocol", "") if number in answered else "no answer"
        scene.record.expect("desktop", f"socket {number} has a protocol that it offered", True, chosen in offered)
        bearer = "authorization" in request.headers or "token" in request.query_names
        scene.record.expect("desktop", f"socket {number} is asked for with a token", True, bearer)


async def _after_a_gap(scene: Scenario, found: Live, sets: int) -> None:
    """One update is taken out of the socket. However the desktop goes on, on this connection or on another, it must not
    leave its old queries in force beside new ones."""
    lost: list[bytes] = []

    def lose_one(message: Message) -> list[Payload]:
        if not lost and _is_update(message.payload):
            lost.append(message.payload)
            return []
        return [Payload(message.payload)]

    scene.crossing.box.alter = lose_one
    await found.publish(2)

    async def is_lost() -> bool:
        return bool(lost)

    try:
        await wait_until(is_lost, timeout_ms=GAP_TIMEOUT_MS, what="an update to be taken out")
    except WaitedTooLong as error:
        scene.record.op("gate", "settle", "info", error=str(error))
    scene.crossing.box.alter = None
    scene.record.expect("middlebox", "one update was taken out of the socket", 1, len(lost))
    await found.publish(2)
    await found.settle()
    now = live_query_sets(scene, found.replica.connection)
    scene.record.expect("desktop", "after a gap it has as many sets of queries as before", sets, now)


@gate(
    "desktop/websocket-only",
    surfaces=ALL,
    checkers=[LegacyLane(), ContractBroken(), *SAFETY],
    floors={"connect": 1, "request": 7, "publish": 20, "deliver": 20, "apply": 20, "frame": 10},
)
async def test_websocket_only(scene: Scenario) -> None:
    """K-10: every applied event crossed a WebSocket: while its socket is silent, a desktop applies nothing and asks for
    nothing, and all that ever crosses its paths is the socket and the token route."""
    found = await live(scene)
    await found.publish(2)
    scene.record.expect("desktop", "before the silence, events arrive", True, await found.settle())
    asked = len(scene.crossings["desktop"].asked) + len(scene.crossings["desktop-control"].asked)
    scene.record.expect("desktop", "its socket and its token were seen on its paths", True, asked >= 2)
    held: list[Message] = []

    def hold(message: Message) -> list[Payload]:
        held.append(message)
        return []

    scene.crossing.box.alter = hold
    await found.publish(4)
    await scene.settle(found.streams, found.count)
    await until(time.monotonic_ns() + SILENCE_MS * 1_000_000)
    applied = sum(found.replica.applied_seq(stream) for stream in found.streams)
    in_server = await scene.held()
    scene.record.expect("server", "the events of the silence are in the server", found.count, in_server)
    scene.record.expect("middlebox", "the socket carried updates that were held back", True, len(held) > 0)
    before = found.count - 4 * len(found.streams)
    scene.record.expect("desktop", "with a silent socket nothing is applied", before, applied)
    scene.record.expect("desktop", "with a silent socket nothing is asked for by HTTP", [], polled(scene))
    scene.crossing.box.alter = None
    for message in held:
        scene.crossing.box.inject(message.socket, message.payload, message.opcode, crossed=True)
    await found.publish(2)
    scene.record.expect("desktop", "with its socket back, everything arrives", True, await found.settle())
    scene.record.expect("desktop", "nothing but the socket and the token route crossed its paths", [], polled(scene))
    await scene.observer.final_read(found.streams)
    await scene.read_replica(found.desktop, "d1")
