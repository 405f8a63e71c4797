"""A runtime that runs already and looks for its server in one place: the lab stands there, scenario after scenario."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.host import ROOT
from harness.lab.keys import ISSUER, Keys
from harness.lab.ports import Ports
from tests.main_job.project import Ended, signoff

pytestmark = pytest.mark.lab

REFERENCE = ROOT / "fixtures" / "reference"
STARTED = 'command = ["{python}", "-m", "reference.runtime"]\n'


class Running:
    """The reference's runtime, started by somebody else: with a token of a server that is gone, and its address."""

    def __init__(self, folder: Path, port: int, server_port: int) -> None:
        self.server_port = server_port
        keys = Keys.create(folder / "keys")
        env = {
            "RUNTIME_BIND_ADDR": f"127.0.0.1:{port}",
            "RUNTIME_SPACETIME_HTTP_BASE_URL": f"http://127.0.0.1:{server_port}",
            "RUNTIME_SPACETIME_DATABASE": "shop",
            "RUNTIME_SPACETIME_AUTH_TOKEN": keys.token(ISSUER, "runtime").token,
            "RUNTIME_STORE_PATH": str(folder / "runtime.sqlite"),
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "reference.runtime"],
            cwd=REFERENCE,
            env={**os.environ, **env},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.config = folder / "subject" / "signoff.toml"
        shutil.copytree(REFERENCE, self.config.parent, ignore=shutil.ignore_patterns("__pycache__", "target"))
        text = self.config.read_text()
        start, end = text.index(STARTED), text.index("[runtime.publish]")
        where = f'url = "http://127.0.0.1:{port}"\nserver = "http://127.0.0.1:{server_port}"\n\n'
        text = text[:start] + where + text[end:]
        text = text.replace('provider = "auto"\n', f'provider = "auto"\nsigning_key = "{keys.private_path}"\n')
        self.config.write_text(text.replace("[module]\n", '[module]\ndatabase = "shop"\n'))

    def run(self, reports: Path, *gates: str) -> tuple[Ended, dict[str, dict[str, object]]]:
        words = ["run", "--config", str(self.config), "--profile", "smoke", "--out", str(reports), "--jobs", "2"]
        ended = signoff(*words, *(word for gate in gates for word in ("--only", gate)))
        path = reports / "latest" / "signoff.json"
        found = json.loads(path.read_bytes())["gates"] if path.is_file() else []
        return ended, {gate["id"]: gate for gate in found}


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    with Ports() as ours:
        port, server_port = ours.take(), ours.take()
        ours.give_back(server_port)
        found = Running(tmp_path, port, server_port)
        try:
            yield found
            assert found.process.poll() is None, "it was not the run's to stop"
        finally:
            found.process.kill()
            found.process.wait()


def test_it_is_judged_where_it_is_and_left_running(running: Running, tmp_path: Path) -> None:
    gates = ["runtime/publish-real", "sync/runtime-to-desktop", "chaos/lost-reply", "runtime/retired-routes"]
    ended, found = running.run(tmp_path / "reports", *gates)
    assert ended.code == 0, ended.out + ended.err
    assert {found[gate]["verdict"] for gate in gates} == {"PASS"}
    assert "played one after the other" in ended.out
    for path in (tmp_path / "reports").rglob("*"):
        assert not path.is_file() or b"PRIVATE KEY" not in path.read_bytes(), path


def test_what_would_have_to_stop_it_is_not_decided(running: Running, tmp_path: Path) -> None:
    ended, found = running.run(tmp_path / "reports", "chaos/runtime-kill")
    assert (ended.code, found["chaos/runtime-kill"]["verdict"]) == (3, "UNKNOWN")
    assert "give [runtime] a command in place of its url" in str(found["chaos/runtime-kill"]["reasons"])


def test_the_server_that_it_came_from_must_be_gone(running: Running, tmp_path: Path) -> None:
    with Ports() as ours:
        ours.hold(running.server_port)
        ended, found = running.run(tmp_path / "reports", "runtime/publish-real")
    assert ended.code == 4, ended.out
    assert f"port {running.server_port} is held by another run" in str(found["runtime/publish-real"]["reasons"])


def test_doctor_goes_all_the_way(running: Running) -> None:
    ended = signoff("doctor", "--subject", "--config", str(running.config))
    assert ended.code == 0, ended.out + ended.err
