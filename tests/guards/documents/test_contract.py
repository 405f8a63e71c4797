from pathlib import Path

import pytest

from guards.documents.config import ContractConfig
from guards.documents.contract import contract_of
from harness.errors import ConfigError

SIGNOFF = """
[control.mint]
path = "/api/sync/token"
[[control.retired]]
path = "/api/old/token"
[runtime]
ready = "/healthz"
[runtime.env]
RUNTIME_BIND_ADDR = "x"
[runtime.publish]
path = "/internal/v1/streams/{stream}/events"
"""


@pytest.fixture
def contract(tmp_path: Path):  # type: ignore[no-untyped-def]
    (tmp_path / "signoff.toml").write_text(SIGNOFF)
    return contract_of(ContractConfig(signoff="signoff.toml"), tmp_path)


@pytest.mark.parametrize(
    "route",
    ["/api/sync/token", "/internal/v1/streams/abc/events", "/internal/v1/streams/{id}/events?after=3",
     "/v1/database/:name_or_identity/subscribe", "/internal/v1/streams"],
)  # fmt: skip
def test_routes_of_the_contract(contract, route: str) -> None:  # type: ignore[no-untyped-def]
    assert contract.has_route(route)


@pytest.mark.parametrize("route", ["/api/old/token", "/api/sync/tokens", "/internal/v1/streams/a/events/b"])
def test_routes_that_are_not(contract, route: str) -> None:  # type: ignore[no-untyped-def]
    assert not contract.has_route(route)


def test_what_a_text_names(contract) -> None:  # type: ignore[no-untyped-def]
    text = "curl $BASE/api/sync/token -H x; see docs/api/x and https://h/v1/ping, RUNTIME_BIND_ADDR or OTHER_NAME."
    assert list(contract.routes_in("POST /api/sync/token, then GET /internal/v1/state.")) == [
        "/api/sync/token,".rstrip(","), "/internal/v1/state",
    ]  # fmt: skip
    assert list(contract.variables_in(text)) == ["RUNTIME_BIND_ADDR"]


def test_a_contract_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"documents\.contract\.signoff"):
        contract_of(ContractConfig(signoff="none.toml"), tmp_path)
