"""An HTTP surface of the subject: its process, its two ways in, its ready check, its routes.

The harness reaches it through an interposer (a relay that can answer in its place), the subject's other
parts through the path that the lab gives them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import msgspec

from harness.canonical import Json
from harness.config import HttpSurfaceConfig
from harness.errors import SubjectError
from harness.evidence.exchanges import Exchange, Exchanges
from harness.evidence.recorder import Recorder
from harness.history import Op, RouteProbed
from harness.lab.relay import Answer, Relay
from harness.surfaces.child import Child
from harness.surfaces.web import NoAnswer, Reply, Web
from harness.wait import WaitedTooLong, wait_until


@dataclass(frozen=True)
class Place:
    """Where a service is, and the interposer through which the harness speaks to it. What is encrypted is spoken to
    directly: nothing can be answered in its place."""

    url: str
    interposer: Relay | None

    @property
    def way(self) -> str:
        """The base URL for the harness's own requests, under the path that the service's own has."""
        return self.url if self.interposer is None else f"{self.interposer.url}{urlsplit(self.url).path}"

    @property
    def host(self) -> str:
        """What the service is called, relay or not."""
        return urlsplit(self.url).netloc

    def interpose(self, answer: Answer | None) -> None:
        """Answer in the service's place, or no longer. SubjectError where nobody stands before it."""
        if self.interposer is None:
            raise SubjectError(f"nothing can be answered in the place of {self.url}", hint="give it an http:// url")
        self.interposer.answer = answer


class Service:
    """Common to control and runtime."""

    def __init__(self, child: Child, config: HttpSurfaceConfig, place: Place, record: Recorder) -> None:
        self.child, self.place, self.record, self._ready_route = child, place, record, config.ready
        self._ready_timeout_ms, self.retired = config.ready_timeout_ms, config.retired
        self.variables: Mapping[str, Json] = {}
        self.errors = config.errors
        self.exchanges = Exchanges()
        self.web = Web(place.way, host=place.host, heard=self._heard)
        self.fast = Web(place.way, keep_alive=True, host=place.host, heard=self._heard)

    @property
    def name(self) -> str:
        return self.child.name

    def _heard(self, exchange: Exchange) -> None:
        self.exchanges.add(msgspec.structs.replace(exchange, to=self.name, log_at=self.child.log_size))

    async def start(self, variables: Mapping[str, Json]) -> None:
        """Spawn it, unless it runs already, and wait until its ready route answers 2xx. StartFailed says what its log
        says."""
        self.variables = variables
        if self.child.is_ours:
            await self.child.spawn(variables)
        try:
            await wait_until(
                self._is_ready, timeout_ms=self._ready_timeout_ms, what=f"{self.name} to answer {self._ready_route}"
            )
        except WaitedTooLong as error:
            log = f"its log ends: {self.child.process.tail()}" if self.child.is_ours else f"at {self.place.url}"
            raise type(error)(
                f"{self.name} to answer {self._ready_route} ({log})",
                self._ready_timeout_ms,
                error.last,
            ) from error

    async def _is_ready(self) -> bool:
        if self.child.is_ours and not self.child.process.alive:
            raise self.child.ended_early()
        try:
            return 200 <= (await self.web.send("GET", self._ready_route)).status < 300
        except NoAnswer:
            return False

    async def probe(
        self, method: str, path: str, *, retired: bool, body: Json = None, headers: Mapping[str, str] | None = None
    ) -> Op:
        """One request against a route, recorded. Without a body of its own, writing methods send an empty object."""
        if body is None and method in ("POST", "PUT", "PATCH"):
            body = {}
        try:
            reply = await self.web.send(method, path, body=body, headers=headers)
        except NoAnswer as error:
            return self.record.op(self.name, "route", "fail", data=RouteProbed(method, path, retired), error=str(error))
        seen = RouteProbed(method, path, retired, reply.headers.get("location", ""))
        return self.record.op(self.name, "route", "ok", status=reply.status, data=seen)

    async def probe_ready(self) -> Op:
        """The positive control of a route gate: the live route answers."""
        return await self.probe("GET", self._ready_route, retired=False)

    def expect(self, clause: str, expected: object, observed: object, reply: Reply | None = None) -> bool:
        """Record one documented answer beside what came; whether they agree."""
        return self.record.expect(self.name, clause, expected, observed, reply.status if reply is not None else None)

    async def close(self) -> None:
        await self.web.close()
        await self.fast.close()
        if self.child.is_ours:
            await self.child.stop()
