"""Step by step: what is reached with the reference subject, and where a subject that misbehaves is stopped, in words
that say what was sent, what came, what was expected, and where signoff.toml says so."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from pathlib import Path

import pytest

from harness.errors import LabError
from harness.host import ROOT
from harness.lab.ports import Ports
from harness.loading import load
from harness.reach import STEPS, Outcome, exit_code, reach
from harness.runner import prepare
from harness.scenario import Scenario
from harness.setup import Setup
from harness.verdict import Exit
from tests.conftest import REFERENCE
from tests.main_job.project import signoff
from tests.main_job.test_misbehaviour import Case, left_behind, spoilt

# A runtime that runs already, and is told by its first request where the server is.
ATTACHED = """
import hashlib, http.server, json, sys, urllib.request
server = {}
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.answer(200, {})
    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if self.path == "/attach":
            server.update(asked, authorization=self.headers["x-server-authorization"])
            return self.answer(200, {})
        if self.path == "/refused":
            return self.answer(403, {})
        text = json.dumps(asked["payload"], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        arguments = [asked["stream"], asked["key"], hashlib.sha256(text.encode()).hexdigest(), text, 0, 0, True, 0]
        headers = {"content-type": "application/json", "authorization": server["authorization"]}
        url = f"{server['url']}/v1/database/{server['database']}/call/append_sync_event"
        request = urllib.request.Request(url, json.dumps(arguments).encode(), headers)
        with urllib.request.urlopen(request, timeout=10) as answer:
            self.answer(answer.status, {})
    def answer(self, status, value):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *words):
        pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""
ATTACH = """
[runtime.stream]
path = "/attach"
headers = { x-server-authorization = "Bearer {runtime.token}" }
body = { url = "{server.url}", database = "{database}" }
name = "{stream}"
"""


def running_at(url: str, folder: Path, *steps: str) -> Path:
    """The reference's module and a runtime that runs already, alone."""
    text = REFERENCE.read_text(encoding="utf-8")
    module = text[text.index("[module]") : text.index("[control]")].replace('wasm = "', f'wasm = "{REFERENCE.parent}/')
    module = "\n".join(line for line in module.splitlines() if "control.identity" not in line)
    module = module.replace('recorded_schema = "', f'recorded_schema = "{REFERENCE.parent}/')
    head = f'version = 1\n[subject]\nname = "s"\n{module}\n[runtime]\nurl = "{url}"\nready_timeout_ms = 2000\n'
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "signoff.toml"
    path.write_text(head + "\n".join(steps), encoding="utf-8")
    return path


def outcomes(setup: Setup, out: Path) -> dict[str, Outcome]:
    told: list[Outcome] = []
    gave = asyncio.run(reach(setup, out, told.append))
    assert gave == told, "each is told of once, in its order"
    return {outcome.step: outcome for outcome in told}


def test_a_failed_step_shows_its_details_below() -> None:
    lines = Outcome("token minted", "failed", "no", 0.5, (("sent", "POST /x"), ("came", "401"))).lines()
    assert lines == ["failed  token minted (0.50 s): no", "        sent:     POST /x", "        came:     401"]
    assert Outcome("desktop ready", "absent", "why").lines() == ["absent  desktop ready: why"]


def test_the_worst_decides_the_exit_code_and_nothing_reached_is_not_good() -> None:
    ready = Outcome("control ready", "ok")
    absent = Outcome("desktop ready", "absent")
    failed, misconfigured, no_lab = (
        Outcome("x", "failed", exit_code=code) for code in (Exit.UNDECIDED, Exit.USAGE, Exit.LAB)
    )
    assert exit_code([ready, absent]) == 0
    assert exit_code([ready, failed]) == 3
    assert exit_code([ready, failed, misconfigured]) == 2
    assert exit_code([ready, failed, misconfigured, no_lab]) == 4
    assert exit_code([Outcome("lab", "ok"), absent]) == exit_code([]) == 3


def test_a_step_needs_only_what_was_tried_before_it() -> None:
    names = [step.name for step in STEPS]
    assert len(set(names)) == len(names)
    for number, step in enumerate(STEPS):
        assert set(step.needs) <= set(names[:number]), step.name


@pytest.mark.lab
def test_all_is_reached_with_the_reference_subject() -> None:
    ended = signoff("doctor", "--subject", "--config", str(REFERENCE))
    assert ended.code == 0, ended.out + ended.err
    lines = ended.out.splitlines()
    assert [line.split()[0] for line in lines] == ["ok"] * len(STEPS)
    assert not re.search(r"eyJ[\w-]{8}", ended.out), "no token is shown"


@pytest.mark.lab
@pytest.mark.parametrize(
    ("kind", "step", "words"),
    [
        ("dies-at-start", "runtime ready", ["runtime ended with 3 at its start", "PAYMENTS_URL", "[runtime] command"]),
        ("answers-html", "event published", ["no seq is in", "came:     200 <!doctype html>", "'data.seq'"]),
        ("redirects", "event published", ["redirects are not followed", "came:     307", "200 or 201"]),
        ("acknowledges-for-nothing", "event read back from the server", ["acknowledged", "0 rows", "last request at"]),
    ],
)
def test_where_a_runtime_that_misbehaves_is_stopped(kind: str, step: str, words: list[str], tmp_path: Path) -> None:
    config = spoilt(tmp_path / "subject", Case(kind, "", "", 0))
    ended = signoff("doctor", "--subject", "--config", str(config))
    assert ended.code == 3, ended.out + ended.err
    (failed, *_) = re.findall(rf"^failed  {step}.*\n(?: {{8}}.*\n)+", ended.out, re.M)
    assert [word for word in ("sent:", "came:", "expected:", "see:", *words) if word not in failed] == [], failed
    assert "skipped runtime's connection" in ended.out or step.startswith("event read")
    assert not left_behind(tmp_path)


@pytest.mark.lab
@pytest.mark.parametrize(("kind", "code"), [("right", 0), ("trapped", 3)])
def test_a_subject_of_another_shape(kind: str, code: int) -> None:
    """Its own sessions, streams and tables, and no desktop; the one with traps mints what the server refuses."""
    folder = ROOT / "fixtures" / "subjects" / "openagents"
    env = {"OPENAGENTS_ROOT": str(folder)}
    env |= {f"OPENAGENTS_{part.upper()}": str(folder / kind / part) for part in ("control", "runtime")}
    ended = signoff("doctor", "--subject", "--config", str(folder.with_suffix(".toml")), env=env)
    assert ended.code == code, ended.out + ended.err
    assert "absent  desktop ready: signoff.toml has no [desktop]" in ended.out
    assert len(re.findall("^ok", ended.out, re.M)) == (10 if kind == "right" else 9)
    refused = re.findall("^failed  token accepted by the server.*\n.*alg HS256.*\n.*came: +401 ", ended.out, re.M)
    assert len(refused) == (kind == "trapped")


@pytest.mark.lab
def test_a_surface_that_is_not_there_is_absent_and_no_failure(tmp_path: Path) -> None:
    config = spoilt(tmp_path / "subject", Case("forks", "", "", 0))
    config.write_text(config.read_text().partition("[desktop]")[0])
    found = outcomes(prepare(load(config)), tmp_path / "out")
    assert found["desktop ready"] == Outcome("desktop ready", "absent", "signoff.toml has no [desktop]")
    assert found["desktop subscribed"].said == "desktop ready is absent"
    assert exit_code(found.values()) == 0, found


@pytest.mark.lab
def test_a_placeholder_that_is_not_known_is_a_matter_of_the_configuration(tmp_path: Path) -> None:
    config = spoilt(tmp_path / "subject", Case("forks", "", "", 0))
    config.write_text(config.read_text().replace('"Bearer {bearer}" }', '"Bearer {barer}" }'))
    found = outcomes(prepare(load(config)), tmp_path / "out")
    assert "did you mean {bearer}?" in found["token minted"].said
    assert exit_code(found.values()) == 2


@pytest.mark.lab
def test_a_lab_that_does_not_come_up_ends_it(setup: Setup, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.lab.topology.program_hash", lambda wasm: "0" * 64)  # as if another program ran
    found = outcomes(setup, tmp_path)
    assert list(found) == ["lab"]
    assert exit_code(found.values()) == LabError.exit_code


@pytest.mark.lab
def test_a_runtime_that_runs_already_at_another_server_is_told_apart(setup: Setup, tmp_path: Path) -> None:
    """It acknowledges, and means it: the event is in the server that it was given by whoever started it."""

    async def play() -> tuple[dict[str, Outcome], int]:
        async with Scenario(setup, "elsewhere", out=tmp_path / "elsewhere") as scene:
            await scene.start_control()
            runtime = await scene.start_runtime()
            publish = '[runtime.publish]\npath = "/internal/v1/streams/{stream}/events"\nexpect = [200, 201]\n'
            publish += 'body = { idempotency_key = "{idem_key}", payload = "{payload}" }\n'
            config = running_at(runtime.place.url, tmp_path / "subject", publish)
            told = await reach(prepare(load(config)), tmp_path / "out", lambda outcome: None)
            assert runtime.child.process.alive, "it was not the visit's to stop"
            return {outcome.step: outcome for outcome in told}, await scene.observer.count()

    found, elsewhere = asyncio.run(play())
    assert elsewhere == 1
    assert [found[step].result for step in ("runtime ready", "event published")] == ["ok", "ok"], found
    for step in ("event read back from the server", "runtime's connection seen through its proxy"):
        said = " ".join(found[step].lines())
        assert found[step].result == "failed"
        assert "no step of [runtime] tells it {server.url}" in said
    assert exit_code(found.values()) == 3


@pytest.mark.lab
def test_a_runtime_that_runs_already_and_is_told_of_the_server_by_a_step(tmp_path: Path) -> None:
    publish = '[runtime.publish]\npath = "/events"\n'
    publish += 'body = { stream = "{stream}", key = "{idem_key}", payload = "{payload}" }\n'
    with Ports() as ports:
        port = ports.take()
        running = subprocess.Popen([sys.executable, "-c", ATTACHED, str(port)], stderr=subprocess.DEVNULL)
        try:
            config = running_at(f"http://127.0.0.1:{port}", tmp_path, ATTACH, publish)
            ended = signoff("doctor", "--subject", "--config", str(config))
            assert running.poll() is None, "it was not the visit's to stop"
        finally:
            running.kill()
            running.wait()
    assert ended.code == 0, ended.out + ended.err
    assert f"at http://127.0.0.1:{port}" in ended.out
    assert len(re.findall("^ok", ended.out, re.M)) == 6


@pytest.mark.lab
def test_what_a_runtime_that_runs_already_was_sent_shows_no_credentials(tmp_path: Path) -> None:
    with Ports() as ports:
        port = ports.take()
        config = running_at(
            f"http://127.0.0.1:{port}",
            tmp_path,
            '[runtime.publish]\npath = "/refused"\nbody = "{payload}"\n'
            'headers = { authorization = "Bearer hush", x-version = "7" }\n',
        )
        nobody = signoff("doctor", "--subject", "--config", str(config))
        running = subprocess.Popen([sys.executable, "-c", ATTACHED, str(port)], stderr=subprocess.DEVNULL)
        try:
            ended = signoff("doctor", "--subject", "--config", str(config))
        finally:
            running.kill()
            running.wait()
    assert nobody.code == 3
    (failed,) = re.findall(r"^failed  runtime ready.*\n(?: {8}.*\n)+", nobody.out, re.M)
    assert f"http://127.0.0.1:{port}" in failed, failed
    assert "sent:     GET /healthz" in failed
    assert f"it runs already, at http://127.0.0.1:{port}, and nobody starts it" in failed
    (failed,) = re.findall(r"^failed  event published.*\n(?: {8}.*\n)+", ended.out, re.M)
    sent = "sent:     POST /refused (content-type: application/json; authorization: Bearer [redacted]; x-version: 7) {"
    assert sent in failed, failed
    assert "came:     403 {}" in failed
    assert "hush" not in ended.out
