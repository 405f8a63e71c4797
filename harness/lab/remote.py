"""A server that runs already, elsewhere: reached by URL, database and token, and left as it was found.

Nothing is started here, and nothing stands before it: no proxy, no relay. A connection is a row of its presence table
while it lasts; anything else is written only where signoff.toml allows it. The token is told to nobody else.

    remote = Remote(config.lab.remote)
    schema = await remote.open()
    async with await remote.connect() as client: ...
"""

from __future__ import annotations

import re

from harness.config import RemoteConfig
from harness.errors import LabError
from harness.lab.program import running_program
from harness.wire.client import Subscription
from harness.wire.http import HttpClient, HttpRefused, Unreachable
from harness.wire.schema import Schema

_HINTS = {
    401: "the server does not take the token: is it one of this server's, and not expired?",
    404: "the server has no such database",
}
_UNTRUSTED = "its certificate is not trusted here: SSL_CERT_FILE names a file with the authority that signed it"


class Remote:
    def __init__(self, where: RemoteConfig) -> None:
        self.url, self.database, self.token, self.writes = (
            where.url.rstrip("/"),
            where.database,
            where.token,
            where.writes,
        )
        self._http: HttpClient | None = None

    @property
    def http(self) -> HttpClient:
        if self._http is None:
            raise LabError("the remote server was not reached yet")
        return self._http

    async def open(self) -> Schema:
        """The schema of the module that runs there. LabError when the server is not reached, or refuses us."""
        self._http = HttpClient(self.url, self.token)
        try:
            return await self._http.schema(self.database)
        except Unreachable as error:
            hint = _UNTRUSTED if "CERTIFICATE_VERIFY_FAILED" in str(error) else "look at [lab.remote] url"
            raise LabError(f"the remote server is not reached: {error}", hint=hint) from error
        except HttpRefused as error:
            hint = _HINTS.get(error.status, "is this a SpacetimeDB server?")
            raise LabError(f"the remote server refuses: {error}", hint=hint) from error

    async def connect(self) -> Subscription:
        """One more client of ours."""
        return await Subscription.open(self.url, self.database, self.token)

    async def version(self) -> str:
        """What the server says of itself."""
        response = await self.http.request("GET", "/v1/health")
        found = re.search(r'"version"\s*:\s*"([^"]{1,40})"', response.text)
        return found[1] if found is not None else "unknown"

    async def program(self) -> str:
        """The hash of the program that runs: to its owner the one of now, to others the one of the first publish."""
        try:
            return await running_program(self.http, self.database)
        except HttpRefused:
            return await self.http.program_hash(self.database)

    async def identity(self) -> str:
        """The database's own identity, which is no secret."""
        response = await self.http.request("GET", f"/v1/database/{self.database}/identity")
        found = re.search(r"[0-9a-f]{64}", response.text)
        return found[0] if found is not None else "unknown"

    async def close(self) -> None:
        if self._http is not None:
            await self._http.close()
