"""The words of one pytest session over the gates."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.evidence.bundle import Bundle
from harness.evidence.signoff import Selection
from harness.host import ROOT, Session, start


def session(tmp_path: Path, **more: object) -> Session:
    selection = Selection(("a/one", "b/"), ("a/two",))
    return Session(Bundle(tmp_path / "b"), tmp_path / "signoff.toml", selection, "standard", 7, **more)  # type: ignore[arg-type]


def test_all_that_was_asked_for_is_said(tmp_path: Path) -> None:
    words = session(tmp_path, jobs=2, lab_of=tmp_path / "other.toml", schedule=tmp_path / "s.json").argv()
    assert [words[words.index("-n") + 1], *words[-3:]] == [
        "2",
        "--signoff-only=a/one",
        "--signoff-only=b/",
        "--signoff-skip=a/two",
    ]
    assert {f"--signoff-lab-of={tmp_path}/other.toml", f"--signoff-schedule={tmp_path}/s.json"} <= set(words)
    assert {"--signoff-seed=7", "--signoff-profile=standard", str(ROOT / "gates")} <= set(words)


def test_what_was_not_asked_for_is_not_said(tmp_path: Path) -> None:
    told = " ".join(session(tmp_path).argv())
    assert "lab-of" not in told
    assert "schedule=" not in told


@pytest.mark.parametrize("config", ["", "nothing = 1\n"])
def test_a_session_that_cannot_be_played_ends_and_leaves_its_log(tmp_path: Path, config: str) -> None:
    (tmp_path / "signoff.toml").write_text(config)
    asked = session(tmp_path)
    child = start(asked, run="r")
    assert child.wait(60) not in (None, 0)
    assert "signoff.toml" in (asked.bundle.folder / "ci" / "pytest.log").read_text()
    assert asked.bundle.believed() == {}
