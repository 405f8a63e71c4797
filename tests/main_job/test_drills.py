"""Drills as an engineer plays them: by seed, by a saved schedule, interrupted, side by side; and their bundles."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from harness.host import ROOT
from tests.main_job.project import run, signoff

pytestmark = pytest.mark.lab

CONFIG = str(ROOT / "fixtures" / "reference" / "signoff.toml")
DRILL = "chaos/two-writers"  # the shortest one
END_TIMEOUT_S = 60


def drill(reports: Path, *words: str) -> tuple[int, str, Path]:
    """`signoff drill`; exit code, what it told, and the folder of the play of seed 5."""
    ended = signoff("drill", DRILL, "--config", CONFIG, "--seed", "5", "--out", str(reports), *words)
    return ended.code, ended.out + ended.err, (reports / "latest").resolve() / "drills" / DRILL / "5"


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    code, told, folder = drill(tmp_path_factory.mktemp("reports"))
    assert code == 0, told
    return told, folder


def test_it_tells_what_it_does_and_leaves_what_one_needs(played: tuple[str, Path]) -> None:
    told, folder = played
    assert "w1: latency on writer" in told
    assert "w2: healed, witnessed: replies cut:" in told
    assert f"PASS    {DRILL} seed 5" in told
    names = {path.name for path in folder.iterdir()}
    assert {
        "history.jsonl",
        "schedule.json",
        "timeline.svg",
        "latency.svg",
        "verdict.json",
        "repro.sh",
        "logs",
    } <= names
    assert f"signoff drill {DRILL}" in (folder / "repro.sh").read_text()
    result = json.loads((folder / "verdict.json").read_text())
    assert (result["seed"], [window["name"] for window in result["windows"]]) == (5, ["w1", "w2"])


def test_a_saved_schedule_is_played_exactly(played: tuple[str, Path], tmp_path: Path) -> None:
    schedule = json.loads((played[1] / "schedule.json").read_text())
    schedule["windows"] = schedule["windows"][1:]
    saved = tmp_path / "one.json"
    saved.write_text(json.dumps(schedule))
    code, told, folder = drill(tmp_path / "reports", "--schedule", str(saved))
    assert code == 0, told
    assert json.loads((folder / "schedule.json").read_text()) == schedule
    (seen,) = json.loads((folder / "verdict.json").read_text())["windows"]
    asked = schedule["windows"][0]
    assert (seen["kind"], seen["name"]) == ("lost-reply", asked["name"])
    assert -50 <= seen["until_ms"] - seen["from_ms"] - (asked["until_ms"] - asked["at_ms"]) <= 500


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("drill", "chaos/no-such", "--config", CONFIG), "no drill is called"),
        (("drill", DRILL, "--config", CONFIG, "--schedule", "/no/such.json"), "no schedule"),
        (("drill", DRILL, "--config", CONFIG, "--profile", "quick"), "unknown profile"),
    ],
)
def test_what_cannot_be_played_is_said(words: tuple[str, ...], named: str, tmp_path: Path) -> None:
    ended = signoff(*words, "--out", str(tmp_path))
    assert (ended.code, named in ended.err) == (2, True), ended.err


def test_the_bundle_of_a_drill_is_judged_again(played: tuple[str, Path], tmp_path: Path) -> None:
    bundle = played[1].parents[3]
    assert bundle.parent.name == "runs"
    ended = signoff("verify", str(bundle))
    assert ended.code == 3, ended.err
    for name, change in (
        ("timeline.svg", lambda text: text.replace("w2", "w9")),
        ("history.jsonl", lambda text: text.replace('"measured":', '"measured":1', 1)),
        ("schedule.json", lambda text: text.replace('"lost-reply"', '"proxy-down"')),
        ("faults.jsonl", lambda text: text.replace('"traffic":', '"traffic":1', 1)),
        ("verdict.json", lambda text: text.replace('"seed": 5', '"seed": 6')),
    ):
        copy = tmp_path / name
        shutil.copytree(bundle, copy)
        path = copy / "drills" / DRILL / "5" / name
        path.write_text(change(path.read_text()))
        refused = signoff("verify", str(copy))
        assert (refused.code, name in refused.err or "chaos/two-writers" in refused.err) == (5, True), refused.err


def test_an_interrupt_in_the_middle_heals_stops_and_keeps(tmp_path: Path) -> None:
    """Ctrl-C while a fault is on: exit 130, evidence sealed and INCOMPLETE, nothing left running."""
    argv = [sys.executable, "-m", "harness.cli", "drill", DRILL, "--config", CONFIG, "--out", str(tmp_path)]
    child = subprocess.Popen(
        argv, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )
    assert child.stdout is not None
    told = []
    for line in child.stdout:
        told.append(line)
        if "w1:" in line:
            os.killpg(child.pid, signal.SIGINT)
            break
    told += child.stdout.readlines()
    assert child.wait(END_TIMEOUT_S) == 130, "".join(told)
    bundle = (tmp_path / "latest").resolve()
    said = json.loads((bundle / "signoff.json").read_text())
    assert (said["verdict"], said["interrupted"]) == ("INCOMPLETE", True)
    assert (bundle / "manifest.json").is_file()
    history = (bundle / "drills" / DRILL / "1" / "history.jsonl").read_text()
    assert history.count('"f":"fault_on"') == history.count('"f":"fault_off"') >= 1, "healed"
    assert "KeyboardInterrupt" not in "".join(told)


def test_two_drills_side_by_side_share_nothing(tmp_path: Path) -> None:
    ended, gates = run(ROOT, tmp_path, DRILL, "chaos/lost-reply", jobs=2)
    assert ended.code == 0, ended.out + ended.err
    assert {gates[name]["verdict"] for name in (DRILL, "chaos/lost-reply")} == {"PASS"}
