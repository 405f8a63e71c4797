"""`signoff guards` as it is called: exit codes, streams, files, a baseline and exceptions."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from guards import canaries
from guards.command import Asked, guards_command
from harness import cli
from harness.errors import ConfigError, UserError
from harness.verdict import Exit
from tests.guards.repository import commit, git, repository, write

FRAME = 'send("phx_" + "join");\n'
TODAY = datetime.now(UTC).date()
EXCEPTION = f"""[[exception]]
id = "EX-1"
surface = "web"
rule = "phoenix-frame"
paths = ["apps/web/a.ts"]
created = {TODAY}
expires = {TODAY + timedelta(days=7)}
blocker = "b"
owner = "o"
deletion_issue = "d"
blast_radius = "r"
rollback = "r"
"""


@pytest.fixture(autouse=True)
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(canaries, "names", lambda: ["python/frame"])


def tree(folder: Path, files: dict[str, str] | None = None) -> Path:
    return write(folder / "tree", files if files is not None else {"apps/web/a.ts": FRAME})


def report_of(capsys: pytest.CaptureFixture[str], *paths: Path, **words: Any) -> tuple[int, dict[str, Any]]:
    code = guards_command(Asked(list(paths), as_json=True, **words))
    told = json.loads(capsys.readouterr().out)
    assert told["exit_code"] == code
    return code, told


def test_exit_codes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tree(tmp_path)
    assert guards_command(Asked([folder])) == Exit.GATE_FAILED
    assert capsys.readouterr().out.splitlines()[-1].startswith("VERDICT FAIL: 1 to mend in 1 file;")
    write(folder, {"apps/web/a.ts": "send('subscribe');\n"})
    assert guards_command(Asked([folder])) == Exit.OK
    assert capsys.readouterr().out.splitlines()[-1] == "VERDICT PASS"
    (folder / "apps" / "web" / "a.ts").unlink()
    assert guards_command(Asked([folder])) == Exit.UNDECIDED
    assert capsys.readouterr().out.splitlines()[-1] == "VERDICT UNKNOWN: 1 not decided"
    with pytest.raises(UserError, match="does not exist"):
        guards_command(Asked([tmp_path / "gone"]))
    (folder / "guards.toml").write_text("flour = 3\n")
    with pytest.raises(ConfigError, match="flour"):
        guards_command(Asked([folder]))


def test_the_words_reach_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sarif = tmp_path / "out" / "guards.sarif"
    words = ["--sarif", str(sarif), "--annotations", "--explain", "--all", "--no-cache", "--jobs", "1"]
    monkeypatch.setattr(sys, "argv", ["signoff", "guards", str(tree(tmp_path)), *words])
    with pytest.raises(SystemExit) as caught:
        cli.main()
    assert caught.value.code == Exit.GATE_FAILED
    out = capsys.readouterr().out
    assert "::error file=apps/web/a.ts,line=1,title=legacy-symbols/phoenix-frame::phx_join" in out
    assert 'rule = "phoenix-frame"\npaths = ["apps/web/a.ts"]' in out
    assert len(json.loads(sarif.read_text())["runs"][0]["results"]) == 1
    assert not (tmp_path / "cache" / "signoff").exists()


def test_json_is_all_that_stdout_has(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    guards_command(Asked([tree(tmp_path)], as_json=True, annotate=True))
    out, err = capsys.readouterr()
    told = json.loads(out)
    assert told["schema_version"] == 1
    assert told["verdicts"] == {
        "legacy-symbols": "FAIL",
        "feature-flags": "PASS",
        "naming": "PASS",
        "exceptions": "PASS",
    }
    assert told["report"]["hits"][0]["symbol"] == "phx_join"
    assert err.startswith("::error file=apps/web/a.ts")
    with pytest.raises(UserError, match="--explain prints text"):
        guards_command(Asked([tmp_path / "tree"], as_json=True, explain=True))


def test_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="cannot be written"):
        guards_command(Asked([tree(tmp_path)], sarif=tmp_path / "file" / "guards.sarif"))


def test_a_live_exception_covers_and_a_bad_one_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tree(tmp_path)
    write(folder, {"exceptions.toml": EXCEPTION})
    code, told = report_of(capsys, folder)
    assert code == Exit.OK
    assert told["report"]["hits"][0]["covered"].startswith("exception EX-1 until")
    write(folder, {"exceptions.toml": EXCEPTION.replace('owner = "o"\n', "")})
    code, told = report_of(capsys, folder)
    assert code == Exit.GATE_FAILED
    assert told["verdicts"]["exceptions"] == told["verdicts"]["legacy-symbols"] == "FAIL"
    (fault,) = told["report"]["faults"]
    assert (fault["path"], fault["line"], fault["message"]) == (
        "exceptions.toml", 2, "exception EX-1: owner is missing",
    )  # fmt: skip


def test_only_what_is_new_since_a_baseline_blocks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = repository(tree(tmp_path), {})
    code, told = report_of(capsys, folder, baseline="HEAD")
    assert code == Exit.OK
    assert told["report"]["hits"][0]["covered"].startswith("known at ")
    write(folder, {"apps/web/a.ts": "\n\n" + FRAME, "apps/web/b.ts": FRAME})
    code, told = report_of(capsys, folder, baseline="HEAD")
    assert code == Exit.GATE_FAILED
    assert [hit["path"] for hit in told["report"]["hits"] if hit.get("blocks")] == ["apps/web/b.ts"]


def test_a_baseline_of_a_part_with_its_own_configuration(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = repository(tree(tmp_path), {"apps/guards.toml": 'retained = ["web"]\n'})
    code, told = report_of(capsys, folder / "apps" / "web", baseline="HEAD")
    assert code == Exit.OK
    assert (told["report"]["prefix"], told["report"]["hits"][0]["path"]) == ("apps/", "web/a.ts")
    git(folder, "mv", "apps", "moved")
    commit(folder)
    code, told = report_of(capsys, folder / "moved", baseline="HEAD~1")
    assert code == Exit.GATE_FAILED, "a folder that the revision did not have is new"


def test_a_baseline_needs_git(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="a baseline needs a git repository"):
        guards_command(Asked([tree(tmp_path)], baseline="HEAD"))


def test_names_are_relative_to_the_repository(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = repository(tree(tmp_path), {})
    monkeypatch.chdir(folder / "apps")
    _, told = report_of(capsys)
    assert [hit["path"] for hit in told["report"]["hits"]] == ["apps/web/a.ts"]
    _, told = report_of(capsys, Path("web"))
    assert [hit["path"] for hit in told["report"]["hits"]] == ["apps/web/a.ts"]


def test_documents_are_judged_with_the_whole_tree(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = {"guards.toml": '[documents]\nrequired = ["README.md"]\n', "README.md": "# x\n\n[a](gone.md)\n"}
    folder = tree(tmp_path, files)
    code, told = report_of(capsys, folder)
    assert code == Exit.GATE_FAILED
    (fault,) = told["report"]["faults"]
    assert (fault["guard"], fault["rule"], fault["path"], fault["line"]) == ("docs", "link", "README.md", 3)
    code, told = report_of(capsys, folder / "README.md")
    assert code == Exit.OK
    assert "docs" not in told["verdicts"]
