"""SpacetimeDB over HTTP: publish, call, sql, schema, ping, metrics.

Source: crates/client-api/src/routes at v1.2.0. A refusal is an `HttpRefused` with its status and text;
no connection, or none in time, is an `Unreachable`.

    client = HttpClient("http://127.0.0.1:20011", token)
    await client.call("db", "heartbeat", ())
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Sequence
from types import TracebackType

import httpx2
import msgspec

from harness.canonical import UNREADABLE
from harness.errors import WireError
from harness.wire.schema import Row, Schema, Table, _Types

REQUEST_TIMEOUT_MS = 10_000
MESSAGE_CHARS = 300
LOG_LINES = 2_000  # the last ones of a module's log


class Unreachable(WireError):
    """Nothing answered."""


def _beginning(text: str) -> str:
    """Some of a long text, up to the end of a word: half a token would not be known as one."""
    return text if len(text) <= MESSAGE_CHARS else re.sub(r"[^\s\"',;]*$", "", text[:MESSAGE_CHARS])


class HttpRefused(WireError):
    """The server answered with another status than expected."""

    def __init__(self, what: str, status: int, text: str) -> None:
        super().__init__(f"{what}: {status} {_beginning(text)}")
        self.status, self.text = status, text


class HttpClient:
    """One base URL and one token (none: anonymous). Keeps connections; not for use across event loops."""

    def __init__(self, base_url: str, token: str | None = None) -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        # The machine's own authorities, and those of SSL_CERT_FILE, as for WebSockets; reading them takes a while.
        trusted = ssl.create_default_context() if base_url.startswith("https:") else False
        self.base_url = base_url
        self._http = httpx2.AsyncClient(
            base_url=base_url, headers=headers, timeout=REQUEST_TIMEOUT_MS / 1000, trust_env=False, verify=trusted
        )

    async def request(
        self, method: str, path: str, *, content: bytes = b"", headers: dict[str, str] | None = None
    ) -> httpx2.Response:
        """Whatever is answered. Unreachable otherwise."""
        try:
            return await self._http.request(method, path, content=content, headers=headers)
        except httpx2.HTTPError as error:
            raise Unreachable(f"{method} {self.base_url}{path}: {type(error).__name__} {error}") from error

    async def _ok(
        self, method: str, path: str, *, content: bytes = b"", headers: dict[str, str] | None = None
    ) -> bytes:
        response = await self.request(method, path, content=content, headers=headers)
        if response.status_code != 200:
            raise HttpRefused(f"{method} {path}", response.status_code, response.text)
        return response.content

    async def ping(self) -> bool:
        try:
            return (await self.request("GET", "/v1/ping")).status_code == 200
        except Unreachable:
            return False

    async def publish(self, database: str, wasm: bytes) -> str:
        """Publish or update; the database's identity (hex)."""
        body = await self._ok("PUT", f"/v1/database/{database}", content=wasm)
        found = re.search(rb'"database_identity":"?\{?[^0-9a-f]*([0-9a-f]{64})', body)
        if found is None:
            raise WireError(f"publishing answered without a database identity: {body[:200]!r}")
        return found[1].decode()

    async def call(self, database: str, reducer: str, args: Sequence[object]) -> None:
        """HttpRefused 530 with the reducer's own text when it returned an error."""
        path = f"/v1/database/{database}/call/{reducer}"
        await self._ok("POST", path, content=msgspec.json.encode(args), headers={"Content-Type": "application/json"})

    async def sql(self, database: str, query: str) -> list[Row]:
        """Rows of one SELECT, typed by the schema that comes with them."""
        body = await self._ok("POST", f"/v1/database/{database}/sql", content=query.encode())
        try:
            (result,) = msgspec.json.decode(body)
            columns = _Types([]).elements(result["schema"]["elements"])
            table = Table("the result", columns, None, True)
            return [table.row_of(row) for row in result["rows"]]
        except (*UNREADABLE, TypeError, KeyError, IndexError, AttributeError) as error:
            raise WireError(f"cannot read the result of {query!r}: {error!r}") from error

    async def schema(self, database: str) -> Schema:
        return Schema.parse(await self._ok("GET", f"/v1/database/{database}/schema?version=9"))

    async def program_hash(self, database: str) -> str:
        """The hash of the program that runs, 64 hex digits, as the server states it."""
        body = await self._ok("GET", f"/v1/database/{database}")
        found = re.search(rb'"initial_program":"?([0-9a-fx]+)', body)
        return found[1].decode().removeprefix("0x") if found else body.decode("utf-8", "replace")

    async def module_log(self, database: str) -> list[str]:
        """The last of the module's own log messages, for its owner."""
        body = await self._ok("GET", f"/v1/database/{database}/logs?num_lines={LOG_LINES}")
        messages = []
        for line in body.splitlines():
            try:
                messages.append(str(msgspec.json.decode(line).get("message", "")))
            except (*UNREADABLE, AttributeError):
                continue
        return messages

    async def metrics(self) -> dict[str, float]:
        """Prometheus samples by their full name with labels."""
        body = await self._ok("GET", "/v1/metrics")
        samples: dict[str, float] = {}
        try:
            for line in body.decode().splitlines():
                name, _, value = line.rpartition(" ")
                if name and not line.startswith("#"):
                    samples[name] = float(value)
        except ValueError as error:
            raise WireError(f"the metrics are no Prometheus text: {error}") from error
        return samples

    async def close(self) -> None:
        async with asyncio.timeout(REQUEST_TIMEOUT_MS / 1000):
            await self._http.aclose()

    async def __aenter__(self) -> HttpClient:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
