"""What the seed documents fix whatever a subject's signoff.toml says: a configuration may ask for more, never for less.

Sources: the blocked symbols of the compliance signoff (seed 000), the retired routes and the token contract of the
convergence plan (seed 002, issues 8 and 9).
"""

from __future__ import annotations

from collections.abc import Sequence

from harness.config import RetiredRoute

CONTROL_RETIRED = (
    "/api/spacetime/token",
    "/api/v1/spacetime/token",
    "/api/v1/sync/token",
    "/sync/socket/websocket",
)
RUNTIME_RETIRED = (
    "/internal/v1/spacetime/topics/runtime.codex_worker_events/messages",
    "/internal/v1/spacetime/fanout/hooks",
    "/sync/socket/websocket",
)
MAX_TOKEN_LIFETIME_S = 900
CLAIMS = ("iss", "sub", "iat", "exp")


def retired_routes(
    configured: Sequence[RetiredRoute], seeded: Sequence[str], canonical: str = ""
) -> list[RetiredRoute]:
    """The configured ones and those of the seeds, but for the subject's canonical route."""
    known = {route.path for route in configured} | {canonical}
    return [*configured, *(RetiredRoute(path=path) for path in seeded if path not in known)]
