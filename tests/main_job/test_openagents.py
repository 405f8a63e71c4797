"""A subject that we did not write the contract of: the OpenAgents profile, with a set of services that is right and one
that has traps, through `signoff run`. The right one gets no finding, the other exactly its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from harness.host import ROOT
from harness.lab.keys import Keys
from harness.lab.ports import Ports
from tests.main_job.project import Ended, run

pytestmark = pytest.mark.lab

FOLDER = ROOT / "fixtures" / "subjects" / "openagents"
PROFILE = FOLDER.parent / "openagents.toml"
PLAYED = ("control/", "runtime/", "module/", "contract/", "chaos/runtime-recovery")

PASSES = {
    "chaos/runtime-recovery", "contract/hash-vectors", "contract/schema", "control/env-contract",
    "control/retired-routes", "control/token-contract", "module/published", "runtime/env-contract",
    "runtime/idempotency", "runtime/publish-real", "runtime/retired-routes", "runtime/sequence-conflict",
}  # fmt: skip
# What cannot be decided about this subject, and the words that say why.
UNDECIDED = {
    "control/rotation": "add [control.mint_append] to signoff.toml",
    "control/token-truth-table": "module.reads is 'open'",
    "runtime/durable-outbox": "the runtime takes no event while the server is away (it answered 500 to all 12)",
}
WITHOUT_DESKTOP = {"contract/error-taxonomy", "contract/http-commands-ws-subscriptions", "runtime/authority-rebuild"}
TRAPPED = {
    "chaos/runtime-recovery": {"I1", "I2", "I5", "I6", "I11", "I14"},
    "contract/hash-vectors": {"I5", "I18"},
    "control/retired-routes": {"I17"},
    "control/token-contract": {"I18"},
    "runtime/durable-outbox": {"I1", "I5", "I18"},
    "runtime/idempotency": {"I5"},
    "runtime/publish-real": {"I5"},
    "runtime/retired-routes": {"I17"},
    "runtime/sequence-conflict": {"I5"},
}


STUBBORN = """#!{python}
import os, sys
sys.path.insert(0, {folder!r})
from standin.http_service import Answer
from standin.runtime import Runtime, main

class Stubborn(Runtime):
    refusing = False

    def publish(self, run, event, status):
        failed = Answer(500, {{"error": "spacetime publish failed"}})
        answer = failed if self.refusing else super().publish(run, event, status)
        self.refusing = answer.status == 500
        return answer

main(os.environ, Stubborn)
"""


def play(kind: str, reports: Path, *only: str, runtime: Path | None = None) -> tuple[Ended, dict[str, dict[str, Any]]]:
    folder = FOLDER / kind
    env = {
        "OPENAGENTS_ROOT": str(FOLDER),
        "OPENAGENTS_CONTROL": str(folder / "control"),
        "OPENAGENTS_RUNTIME": str(runtime or folder / "runtime"),
    }
    ended, gates = run(ROOT, reports, *(only or PLAYED), config=PROFILE, jobs=2, env=env)
    return ended, gates


def with_verdict(gates: dict[str, dict[str, Any]], verdict: str) -> set[str]:
    return {name for name, gate in gates.items() if gate["verdict"] == verdict}


def found(gates: dict[str, dict[str, Any]], reports: Path) -> dict[str, set[str]]:
    """The invariants that each failed gate names; of a drill those of its play."""
    plays = json.loads((reports / "latest" / "signoff.json").read_bytes()).get("drills", [])
    checks = {name: gate.get("checks", []) for name, gate in gates.items()}
    for one in plays:
        checks[one["id"]] = one["checks"]
    return {
        name: {check["invariant"] for check in checks[name] if check["verdict"] == "FAIL"}
        for name in with_verdict(gates, "FAIL")
    }


def test_the_right_one_has_no_finding(tmp_path: Path) -> None:
    ended, gates = play("right", tmp_path)
    assert found(gates, tmp_path) == {}, ended.out
    assert with_verdict(gates, "PASS") == PASSES, ended.out
    assert with_verdict(gates, "UNKNOWN") == set(UNDECIDED)
    for name, why in UNDECIDED.items():
        assert why in gates[name]["reasons"][0]
    missing = {name for name, gate in gates.items() if gate.get("reasons") == ["signoff.toml has no [desktop]"]}
    assert missing == WITHOUT_DESKTOP
    assert ended.code == 3


def test_each_trap_is_named_by_its_invariant_and_nothing_else_is_found(tmp_path: Path) -> None:
    ended, gates = play("trapped", tmp_path)
    assert found(gates, tmp_path) == TRAPPED, ended.out
    assert ended.code == 1
    signed = str(gates["control/token-contract"]["checks"])
    assert "observed 'HS256'" in signed
    assert "the server accepts a token that control just minted: expected 'accepted', observed 'refused" in signed
    assert "100000" in signed


def test_a_control_that_runs_already_is_judged_where_it_is(tmp_path: Path) -> None:
    """What would stop it or tell it another environment is undecided, and the line is named that stands in the way."""
    with Ports() as ports:
        keys, port = Keys.create(tmp_path / "keys"), ports.take()
        profile = tmp_path / "signoff.toml"
        profile.write_text(at_url(PROFILE.read_text(), f"http://127.0.0.1:{port}"))
        child = subprocess.Popen(
            [str(FOLDER / "right" / "control")],
            env={"OA_CONTROL_BIND_ADDR": f"127.0.0.1:{port}", "OA_SYNC_TOKEN_SIGNING_KEY": keys.private_pem},
            stderr=subprocess.DEVNULL,
        )
        try:
            env = {"OPENAGENTS_ROOT": str(FOLDER), "OPENAGENTS_RUNTIME": str(FOLDER / "right" / "runtime")}
            routes, environment = "control/retired-routes", "control/env-contract"
            ended, gates = run(ROOT, tmp_path, routes, environment, config=profile, env=env)
            assert child.poll() is None, "it was not ours to stop"
        finally:
            child.kill()
            child.wait()
    assert gates[routes]["verdict"] == "PASS", ended.out
    assert gates[environment]["verdict"] == "UNKNOWN"
    assert "give [control] a command in place of its url in signoff.toml" in gates[environment]["reasons"][0]


def at_url(profile: str, url: str) -> str:
    """The profile with a control that runs already, from another folder."""
    started = profile.index("[control]\n") + len("[control]\n")
    sessions = profile.index("# In the mock mode")
    text = f'{profile[:started]}url = "{url}"\n{profile[sessions:]}'
    return text.replace('"openagents/module', f'"{FOLDER}/module')


def test_what_is_refused_is_no_lost_write_but_who_goes_on_refusing_does_not_converge(tmp_path: Path) -> None:
    runtime = tmp_path / "stubborn-runtime"
    runtime.write_text(STUBBORN.format(python=sys.executable, folder=str(FOLDER)))
    runtime.chmod(0o755)
    drill = "chaos/runtime-recovery"
    ended, gates = play("right", tmp_path, drill, runtime=runtime)
    assert found(gates, tmp_path) == {drill: {"I11"}}, ended.out
    page = (tmp_path / "latest" / "drills" / drill / "1" / "findings.md").read_text()
    assert "publishing does not work again" in page
    assert "harness -> runtime  POST /internal/v1/runs/" in page, "what was asked and answered about the event"
    assert "spacetime publish failed" in page
    assert "Log of runtime around then" in page
