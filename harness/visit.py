"""What is tried with a subject that stands in a lab, one method for each thing to reach.

A method gives a few words of what was reached, or raises: Missed with what was sent, what came and what was expected,
where the method knows better than the last exchange with the part that it asked. Each builds on what those before it
left here; in which order, and what hangs on what, is harness.reach's.

    visit = Visit(scene)
    await visit.lab()
    await visit.control_ready()
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from harness.config import HttpSurfaceConfig, StepConfig
from harness.errors import SubjectError
from harness.evidence.exchanges import Exchange
from harness.scenario import Scenario
from harness.subject import check_tables
from harness.surfaces.control import Minted, Session
from harness.surfaces.events import Event
from harness.surfaces.service import Service
from harness.template import placeholders
from harness.wait import WaitedTooLong, wait_until
from harness.wire.http import HttpClient
from harness.workload.traffic import Sent, Traffic

READ_BACK_TIMEOUT_MS = 10_000  # an outbox may need a try or two
TOLD_OF_TOKEN = ("iss", "sub", "aud", "iat", "exp")


class Missed(SubjectError):
    """A step that was not reached, in the words of whoever tried. `table` when it hangs on another than the step's."""

    def __init__(self, what: str, *, sent: str = "", came: str = "", expected: str = "", table: str = "") -> None:
        super().__init__(what)
        self.sent, self.came, self.expected, self.table = sent, came, expected, table


class Visit:
    """One scene, and what was reached in it so far."""

    def __init__(self, scene: Scenario) -> None:
        self.scene, self.config = scene, scene.config
        self.entered = False  # whether there is a scene to close
        self.session: Session | None = None
        self.minted: Minted | None = None
        self.sent: Sent | None = None

    async def lab(self) -> str:
        await self.scene.__aenter__()
        self.entered = True
        check_tables(self.config, self.scene.schema)
        lab = self.scene.lab
        return f"SpacetimeDB {lab.components.spacetimedb.version}, program {lab.program[:16]}"

    async def control_ready(self) -> str:
        return await self._ready("control", self.scene.start_control)

    async def runtime_ready(self) -> str:
        return await self._ready("runtime", self.scene.start_runtime)

    async def _ready(self, part: str, start: Callable[[], Awaitable[Service]]) -> str:
        try:
            return f"at {(await start()).place.url}"
        except SubjectError as error:
            there = self.config.surfaces[part].runs_at if part in self.config.surfaces else ""
            if not there:
                raise
            expected = f"a status of 200 to 299 from its ready route: it runs already, at {there}, and nobody starts it"
            raise Missed(str(error), expected=expected) from error

    async def desktop_ready(self) -> str:
        return f"process {(await self.scene.start_desktop()).child.process.pid}"

    async def signed_in(self) -> str:
        assert self.scene.control is not None
        user = f"alice-{self.scene.nonce[:6]}"
        steps = self.scene.control.config.session
        try:
            self.session = await self.scene.control.sign_in(user, "device-1")
        except SubjectError as error:
            if all(step.path for step in steps):
                raise  # the last exchange says what was sent
            told = [
                f"{step.method} {step.path}" if step.path else " ".join(step.command or step.values) for step in steps
            ]
            raise Missed(str(error), sent="; then ".join(told), came=str(error)) from error
        captured = sorted(set(self.session.variables) - set(self.scene.control.variables) - {"user", "device"})
        return f"of {user}, with {', '.join(captured)}"

    async def minted_token(self) -> str:
        assert self.scene.control is not None and self.session is not None
        self.minted = await self.scene.control.mint(self.session, self.scene.streams(1))
        return self._of_token(self.minted)

    @staticmethod
    def _of_token(minted: Minted) -> str:
        claims = ", ".join(f"{name} {minted.claims[name]}" for name in TOLD_OF_TOKEN if name in minted.claims)
        return f"alg {minted.header.get('alg')}, kid {minted.header.get('kid')}, {claims}"

    async def accepted(self) -> str:
        """The server itself says whether a token is good, and whose it is."""
        assert self.minted is not None
        identity, path = self.minted.identity, f"/v1/identity/{self.minted.identity}/verify"
        async with HttpClient(self.scene.lab.witness_relay.url, self.minted.token) as http:
            answer = await http.request("GET", path)
        if answer.status_code != 204:
            raise Missed(
                "the server does not take the token that control minted",
                sent=f"GET {path} with the token ({self._of_token(self.minted)})",
                came=f"{answer.status_code} {answer.text}",
                expected="204: its issuer publishes the key that signed it where the server looks for it, at "
                "ISSUER/.well-known/openid-configuration, or the server's own key signed it",
            )
        return f"as identity {identity[:16]}"

    async def published(self) -> str:
        runtime = self.scene.runtime
        assert runtime is not None
        try:
            (stream,) = await self.scene.open_streams(1)
        except SubjectError as error:
            raise Missed(str(error), expected=str(self._expects("stream")), table="runtime.stream") from error
        self.sent = Traffic(self.scene.rng, self.scene.nonce).event(stream)
        done = await runtime.publish(stream, self.sent.payload, self.sent.idem_key)
        if done.phase != "ok":
            moved = "; redirects are not followed" if done.status in range(300, 400) else ""
            raise Missed(f"the event was not acknowledged{moved}", expected=self._expects("publish"))
        if "seq" in runtime.config.publish.capture and done.seq is None:
            place = runtime.config.publish.capture["seq"]
            raise Missed(
                f"it was answered {done.status}, but no seq is in the answer",
                expected=f"{self._expects('publish')}, with a number at {place!r}",
            )
        return f"into {stream}" + (f" as seq {done.seq}" if done.seq is not None else "")

    def _expects(self, name: str) -> str:
        step: StepConfig = getattr(self.config.runtime, name)
        return " or ".join(map(str, step.expect))

    async def read_back(self) -> str:
        assert self.sent is not None
        sent, table = self.sent, self.config.module.tables.events
        seen: list[Event] = []

        async def found() -> Event | None:
            seen[:] = await self.scene.observer.events()
            return next((event for event in seen if event.key == sent.key), None)

        try:
            event = await wait_until(found, timeout_ms=READ_BACK_TIMEOUT_MS, what="the event's row")
            assert event is not None
        except WaitedTooLong as error:
            near = [f"seq {one.seq} with idempotency key {one.idem_key}" for one in seen if one.stream == sent.stream]
            raise Missed(
                f"the runtime acknowledged the event, and within {READ_BACK_TIMEOUT_MS} ms the server had no such row",
                sent=f"SELECT * FROM {table.name}",
                came=f"{len(seen)} rows; in stream {sent.stream}: {'; '.join(near) or 'none'}. {self._last_request()}",
                expected=f"a row in stream {sent.stream} whose {table.payload} holds {sent.key}",
            ) from error
        return f"seq {event.seq} in table {table.name}"

    def _last_request(self) -> str:
        """What the runtime asked of the server last, and what it was answered."""
        crossed = self.scene.crossings["runtime"].exchanges("runtime")
        if not crossed:
            return f"The runtime asked nothing of the server on its path: {self._told_of_server('runtime')}"
        return f"The runtime's last request at the server: {crossed[-1].asked} {answer_of(crossed[-1])}"

    async def runtime_seen(self) -> str:
        return self._seen("runtime")

    async def desktop_subscribed(self) -> str:
        assert self.session is not None and self.minted is not None
        stream = self.sent.stream if self.sent is not None else self.scene.streams(1)[0]
        desktop = self.scene.desktops["desktop"]
        try:
            await desktop.open("d1", self.session, self.minted.identity, [stream])
        except SubjectError as error:
            raise Missed(
                str(error),
                sent=f'{{"cmd":"open","session":"d1","bearer":...,"streams":["{stream}"]}}',
                came=f"{error}; its log ends: {desktop.child.process.tail()}",
            ) from error
        return f"to {stream}"

    async def desktop_seen(self) -> str:
        return self._seen("desktop")

    def _seen(self, part: str) -> str:
        """How many connections a part made to the server on the path that it was given."""
        path = self.scene.lab.paths[part]
        count = len(path.relay.carried)
        if not count:
            raise Missed(
                f"no connection of the {part} crossed its path",
                sent=self._told_of_server(part),
                came=f"no connection on {path.url}",
                expected="at least one",
                table=part if self.config.surfaces[part].runs_at else "",
            )
        return f"{count} on {path.url}"

    def _told_of_server(self, part: str) -> str:
        """Whether and how a part learns where the lab's server is: one that runs already can only be told by a step."""
        surface, url = self.config.surfaces[part], self.scene.lab.paths[part].url
        if "server.url" in placeholders(surface.model_dump(mode="json")):
            return f"it was told {url} as {{server.url}}"
        if isinstance(surface, HttpSurfaceConfig) and surface.server:
            return f"[{part}] server says that it looks for its server at {surface.server}, where the lab stood"
        if surface.runs_at:
            return (
                f"it runs at {surface.runs_at}, no step of [{part}] tells it {{server.url}}, and so it speaks to the "
                "server that it was given by whoever started it"
            )
        return f"neither the environment nor the command of [{part}] tells it {{server.url}}, which is {url}"

    async def none_past(self) -> str:
        lab = self.scene.lab
        past = sorted(lab.table.look() - set().union(*lab.carried.values()))
        if past:
            raise Missed(
                "connections reached the server past the proxies",
                sent="the address of its own path to each part, as {server.url}",
                came=f"connections from local ports {', '.join(map(str, past))} to the server's own",
                expected="none",
            )
        return "every connection to the server crossed a path of the lab"


def answer_of(exchange: Exchange) -> str:
    """What came, in short."""
    return exchange.error or f"{exchange.status} {exchange.answer} after {exchange.ms} ms"
