"""What the seeds fix cannot be configured away."""

from __future__ import annotations

from gates.seeds import CONTROL_RETIRED, retired_routes
from harness.config import RetiredRoute


def test_a_configuration_adds_to_the_seeds_and_takes_nothing_away() -> None:
    own = [RetiredRoute(path="/mine", methods=["GET"]), RetiredRoute(path="/api/v1/sync/token", methods=["POST"])]
    found = retired_routes(own, CONTROL_RETIRED)
    assert found[:2] == own
    assert {route.path for route in found} == {"/mine", *CONTROL_RETIRED}
    assert len(found) == 5


def test_the_subjects_own_canonical_route_is_not_retired() -> None:
    found = retired_routes([], CONTROL_RETIRED, "/api/v1/sync/token")
    assert "/api/v1/sync/token" not in {route.path for route in found}
