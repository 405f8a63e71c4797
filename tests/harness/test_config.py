"""What the models of signoff.toml accept and refuse by themselves, without a file."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from harness.config import Config, DesktopConfig, HashConfig, HttpSurfaceConfig, SessionStep, SurfaceConfig

LEAST = {"version": 1, "subject": {"name": "s"}, "module": {"wasm": "m.wasm"}}
RUNTIME = {"command": ["run"], "publish": {"path": "/publish"}}


def test_the_surfaces_that_are_described_go_by_their_names() -> None:
    assert Config.model_validate(LEAST).surfaces == {}
    config = Config.model_validate({**LEAST, "desktop": {"command": ["d"]}, "runtime": RUNTIME})
    assert config.surfaces == {"runtime": config.runtime, "desktop": config.desktop}


def test_where_it_was_read_and_its_secrets_are_of_one_copy(tmp_path: Path) -> None:
    bare = Config.model_validate(LEAST)
    config = bare.read_from(tmp_path / "a" / ".." / "signoff.toml", ("hush",))
    assert (config.folder, config.secrets, config.root) == (tmp_path, ("hush",), tmp_path)
    assert (bare.path, bare.secrets) == (Path(), ())
    assert "hush" not in repr(config)


def test_a_surface_is_started_or_runs_already() -> None:
    assert HttpSurfaceConfig(url="http://127.0.0.1:1/").runs_at == "http://127.0.0.1:1"
    assert SurfaceConfig(command=["run"]).runs_at == ""
    with pytest.raises(ValidationError, match="it needs a command that starts it"):
        DesktopConfig()
    with pytest.raises(ValidationError, match="it runs already at url"):
        HttpSurfaceConfig(url="http://127.0.0.1:1", env={"A": "b"})


@pytest.mark.parametrize("fields", [{}, {"path": "/x", "command": ["y"]}, {"command": ["y"], "values": {"a": "b"}}])
def test_a_step_of_a_session_is_one_thing(fields: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match="a step has either path"):
        SessionStep.model_validate(fields)


@pytest.mark.parametrize(
    ("envelope", "said"), [("x", r"must hold \{payload\}"), ("{payload} {key}", r"\{key\} is not")]
)
def test_a_hash_is_over_the_payload_and_what_is_known(envelope: str, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        HashConfig(envelope=envelope)


@pytest.mark.parametrize("url", ["http://127.0.0.1:99999", "http://127.0.0.1:0", "http://h:x", "http://[::1", "h:1"])
def test_a_url_that_leads_nowhere_is_refused(url: str) -> None:
    with pytest.raises(ValidationError, match="url"):
        HttpSurfaceConfig(url=url)
    with pytest.raises(ValidationError, match="server"):
        HttpSurfaceConfig(url="http://h:1", server=url.replace("//h", "//localhost"))


def test_a_part_that_runs_already_may_look_for_its_server_in_one_place() -> None:
    there = {"url": "http://127.0.0.1:1", "server": "http://127.0.0.1:3000"}
    runtime = {**there, "publish": {"path": "/publish"}}
    config = Config.model_validate({**LEAST, "runtime": runtime})
    assert config.runtime is not None
    assert (config.runtime.server_port, config.plays_alone) == (3000, True)
    with pytest.raises(ValidationError, match=r"told \{server\.url\}"):
        HttpSurfaceConfig(command=["run"], server=there["server"])
    control = {**there, "mint": {"path": "/mint"}}
    with pytest.raises(ValidationError, match="same port 3000"):
        Config.model_validate({**LEAST, "runtime": runtime, "control": control})
    elsewhere = {**control, "server": "http://localhost:3001"}
    assert Config.model_validate({**LEAST, "runtime": runtime, "control": elsewhere}).plays_alone


def test_scenarios_stand_beside_each_other_unless_a_part_runs_already() -> None:
    assert not Config.model_validate({**LEAST, "runtime": RUNTIME}).plays_alone
    running = {"url": "http://h:1", "publish": {"path": "/publish"}}
    assert Config.model_validate({**LEAST, "runtime": running}).plays_alone
