"""The remote lane: a server that runs already is looked at and left as it was. A lab of another process plays it."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from harness import variants
from harness.evidence import defects
from harness.host import ROOT
from harness.wire.client import Subscription
from harness.wire.http import HttpClient
from tests.main_job.project import Ended, signoff
from tests.main_job.tls import behind_tls

pytestmark = pytest.mark.lab

HANDSHAKE, SCHEMA = "remote/two-client-handshake", "contract/schema"
TABLE = """provider = "{provider}"

[lab.remote]
url = "${{SIGNOFF_REMOTE_URL}}"
database = "${{SIGNOFF_REMOTE_DATABASE}}"
token = "${{SIGNOFF_REMOTE_TOKEN}}"
writes = {writes}
"""


@dataclass(frozen=True)
class Elsewhere:
    """A server that somebody else started."""

    url: str
    database: str
    token: str

    @property
    def env(self) -> dict[str, str]:
        return {
            "SIGNOFF_REMOTE_URL": self.url,
            "SIGNOFF_REMOTE_DATABASE": self.database,
            "SIGNOFF_REMOTE_TOKEN": self.token,
        }

    def ask(self, query: str) -> list[dict[str, object]]:
        async def play() -> list[dict[str, object]]:
            async with HttpClient(self.url, self.token) as http:
                return await http.sql(self.database, query)  # type: ignore[return-value]

        return asyncio.run(play())


@contextmanager
def lab_up(config: Path, work: Path) -> Iterator[Elsewhere]:
    work.mkdir()
    up = subprocess.Popen(
        [sys.executable, "-m", "harness.cli", "lab", "up", "--config", str(config)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(work)},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert up.stdout is not None
        lines = [up.stdout.readline() for _ in range(4)]
        yield Elsewhere(
            lines[1].split()[-1], lines[2].split()[1].rstrip(","), lines[3].removeprefix("owner's token: ").strip()
        )
    finally:
        up.send_signal(signal.SIGINT)
        up.communicate(timeout=30)


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Elsewhere]:
    with lab_up(ROOT / "fixtures" / "reference" / "signoff.toml", tmp_path / "elsewhere") as found:
        yield found


def subject_of(folder: Path, provider: str, writes: bool = False) -> Path:
    """The reference; without its compiled module where the database exists already."""
    shutil.copytree(ROOT / "fixtures" / "reference", folder, ignore=shutil.ignore_patterns("__pycache__", "target"))
    config = folder / "signoff.toml"
    text = config.read_text()
    assert 'provider = "auto"\n' in text
    table = TABLE.format(provider=provider, writes=str(writes).lower())
    if provider == "remote":
        text = text.replace('wasm = "module/sync_module.wasm"\n', "")
        (folder / "module" / "sync_module.wasm").unlink()
    config.write_text(text.replace('provider = "auto"\n', table))
    return config


def run(there: Elsewhere, config: Path, reports: Path, *words: str) -> tuple[Ended, dict[str, dict[str, object]]]:
    given = ["run", "--config", str(config), "--profile", "smoke", "--out", str(reports), "--jobs", "2", *words]
    ended = signoff(*given, env=there.env)
    path = reports / "latest" / "signoff.json"
    gates = json.loads(path.read_bytes())["gates"] if path.is_file() else []
    return ended, {gate["id"]: gate for gate in gates}


def test_the_whole_lane_reads_and_leaves_no_trace(elsewhere: Elsewhere, tmp_path: Path) -> None:
    """Beside a stranger's connection, which is nobody's business and in no record."""
    config, reports = subject_of(tmp_path / "subject", "remote"), tmp_path / "reports"
    before = elsewhere.ask("SELECT * FROM stream_head")

    async def beside_a_stranger() -> tuple[str, Ended, dict[str, dict[str, object]]]:
        async with await Subscription.open(elsewhere.url, elsewhere.database, elsewhere.token) as stranger:
            ended, gates = await asyncio.to_thread(run, elsewhere, config, reports, "--skip", "guards/")
            return stranger.connection, ended, gates

    stranger, ended, gates = asyncio.run(beside_a_stranger())
    assert ended.code == 0, ended.out + ended.err
    assert "a remote SpacetimeDB 1.2.0" in ended.out
    passed = {name for name, gate in gates.items() if gate["verdict"] == "PASS"}
    assert passed == {HANDSHAKE, SCHEMA}
    for name in ("sync/two-client-handshake", "chaos/node-restart", "module/published"):
        assert gates[name]["verdict"] == "MISSING"
        assert "no Toxiproxy before the remote one" in str(gates[name]["reasons"])
    assert elsewhere.ask("SELECT * FROM stream_head") == before
    for file in (reports / "latest").resolve().rglob("*"):
        if file.is_file():
            content = file.read_bytes()
            for secret in (elsewhere.token, elsewhere.url, elsewhere.database, stranger):
                assert secret.encode() not in content, f"{file} tells of {secret[:20]}"
    seen = json.loads((reports / "latest" / "signoff.json").read_bytes())["lab"]
    assert (seen["provider"], seen["remote"]["version"], seen["remote"]["writes"]) == ("remote", "1.2.0", False)
    verified = signoff("verify", str(reports / "latest"))
    assert verified.code == 3, verified.err
    assert "integrity only" in verified.out


def test_with_leave_what_is_written_is_taken_away_again(elsewhere: Elsewhere, tmp_path: Path) -> None:
    config, reports = subject_of(tmp_path / "subject", "remote", writes=True), tmp_path / "reports"
    ended, gates = run(elsewhere, config, reports, "--only", SCHEMA)
    assert ended.code == 0, ended.out + ended.err
    history = (reports / "latest" / "gates" / SCHEMA / "history.jsonl").read_text()
    assert history.count('"f":"append"') == 2, "one event was offered, and taken"
    assert "nothing of ours is left in signoff.schema." in history
    assert elsewhere.ask("SELECT * FROM sync_event") == []
    (head,) = elsewhere.ask("SELECT * FROM stream_head")
    assert (head["head_seq"], head["floor_seq"]) == (1, 1), "it was there, and is pruned"
    assert gates[SCHEMA]["verdict"] == "PASS"


def test_what_cannot_be_taken_away_is_not_written(elsewhere: Elsewhere, tmp_path: Path) -> None:
    config, reports = subject_of(tmp_path / "subject", "remote", writes=True), tmp_path / "reports"
    config.write_text("\n".join(line for line in config.read_text().splitlines() if not line.startswith("prune = ")))
    ended, gates = run(elsewhere, config, reports, "--only", SCHEMA)
    assert ended.code == 3, ended.out + ended.err
    assert "could not be taken away" in str(gates[SCHEMA]["reasons"])
    assert elsewhere.ask("SELECT * FROM stream_head") == []


def test_beside_a_lab_of_our_own_both_are_judged(elsewhere: Elsewhere, tmp_path: Path) -> None:
    config, reports = subject_of(tmp_path / "subject", "auto"), tmp_path / "reports"
    ended, gates = run(elsewhere, config, reports, "--only", HANDSHAKE, "--only", SCHEMA)
    assert ended.code == 0, ended.out + ended.err
    seen = json.loads((reports / "latest" / "signoff.json").read_bytes())["lab"]
    assert seen["server"]["version"] == "1.2.0"
    assert seen["grounds"] == ["lab", "remote", "source"]
    assert gates[HANDSHAKE]["verdict"] == gates[SCHEMA]["verdict"] == "PASS"
    socket = (reports / "latest" / "gates" / SCHEMA / "history.jsonl").read_text().count('"f":"socket"')
    assert socket > 0, "on the better ground: a server of our own"


def test_a_module_that_loses_rows_of_the_living_is_found_there_too(tmp_path: Path) -> None:
    """D24: a presence row dies while another connection of that identity lives."""
    folder = ROOT / "fixtures" / "defects"
    variant = variants.make_variant(
        defects.load(folder / "D24"), folder / "D24", ROOT / "fixtures" / "reference", tmp_path / "variant"
    )
    with lab_up(variant, tmp_path / "elsewhere") as there:
        config, reports = subject_of(tmp_path / "subject", "remote"), tmp_path / "reports"
        ended, gates = run(there, config, reports, "--only", HANDSHAKE)
    assert ended.code == 1, ended.out + ended.err
    assert "I10 presence-drift" in str(gates[HANDSHAKE]["reasons"])
    assert "is live and has no presence row" in str(gates[HANDSHAKE]["reasons"])


def test_a_server_behind_tls_is_judged_when_its_certificate_is_trusted(elsewhere: Elsewhere, tmp_path: Path) -> None:
    """As one on the internet; without trust, the run ends before anything is played and says why."""
    config, reports = subject_of(tmp_path / "subject", "remote"), tmp_path / "reports"
    host, _, port = elsewhere.url.removeprefix("http://").partition(":")
    with behind_tls((host, int(port)), tmp_path) as (url, certificate):
        there = replace(elsewhere, url=url)
        ended = signoff("run", "--config", str(config), "--out", str(reports), env=there.env)
        assert (ended.code, "CERTIFICATE_VERIFY_FAILED" in ended.err) == (4, True), ended.err
        assert "SSL_CERT_FILE" in ended.err
        env = {**there.env, "SSL_CERT_FILE": str(certificate)}
        words = ["--config", str(config), "--profile", "smoke", "--out", str(reports), "--only", HANDSHAKE]
        ended = signoff("run", *words, env=env)
    assert ended.code == 0, ended.out + ended.err
    gates = json.loads((reports / "latest" / "signoff.json").read_bytes())["gates"]
    assert next(gate for gate in gates if gate["id"] == HANDSHAKE)["verdict"] == "PASS"


@pytest.mark.parametrize(
    ("changed", "code", "said"),
    [
        ({"SIGNOFF_REMOTE_URL": "http://127.0.0.1:9"}, 4, "the remote server is not reached"),
        ({"SIGNOFF_REMOTE_DATABASE": "nobody-s"}, 4, "no such database"),
        ({"SIGNOFF_REMOTE_TOKEN": "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJ4In0.AAAA"}, 4, "does not take the token"),
        ({"SIGNOFF_REMOTE_TOKEN": ""}, 2, "lab.remote.token"),
    ],
)
def test_a_remote_that_cannot_be_used_ends_the_run_and_tells_no_secret(
    elsewhere: Elsewhere, tmp_path: Path, changed: dict[str, str], code: int, said: str
) -> None:
    config = subject_of(tmp_path / "subject", "remote")
    ended = signoff("run", "--config", str(config), "--out", str(tmp_path / "r"), env={**elsewhere.env, **changed})
    assert ended.code == code, ended.err
    assert said in ended.err
    assert elsewhere.token not in ended.err + ended.out
    doctor = signoff("doctor", "--config", str(config), env={**elsewhere.env, **changed})
    assert doctor.code == code
    assert elsewhere.token not in doctor.err + doctor.out


def test_the_doctor_looks_at_it_and_no_lab_is_started(elsewhere: Elsewhere, tmp_path: Path) -> None:
    config = subject_of(tmp_path / "subject", "remote")
    doctor = signoff("doctor", "--config", str(config), env=elsewhere.env)
    assert doctor.code == 0, doctor.out
    assert "ok      remote server and its module" in doctor.out
    up = signoff("lab", "up", "--config", str(config), env=elsewhere.env)
    assert (up.code, "starts no lab" in up.err) == (2, True)
