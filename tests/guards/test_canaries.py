"""Every language and kind of rule has its canaries, and a guard that does not see them right says so."""

from __future__ import annotations

from pathlib import Path

from guards import canaries
from guards.rule import RULES, load

OURS = load(RULES)
MAX_LINES = 7  # of a canary: they are scanned in every run


def test_every_canary_is_there_and_seen_right() -> None:
    results = canaries.check(OURS, canaries.names())
    assert [(one.name, one.detail) for one in results if not one.right] == []
    assert len(results) == 2 * len(canaries.names())


def test_no_canary_is_without_use() -> None:
    wanted = {f"{name}.{which}" for name in canaries.names() for which in ("bad", "good")}
    files = [path for path in canaries.FOLDER.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    assert {f"{path.parent.name}/{path.name.rsplit('.', 1)[0]}" for path in files} == wanted
    assert all(len(path.read_text().splitlines()) <= MAX_LINES for path in files)


def test_what_is_missed_or_wrongly_hit_is_said(tmp_path: Path) -> None:
    (tmp_path / "rust").mkdir()
    (tmp_path / "rust" / "frame.bad.rs").write_text('const A: &str = "nothing";\n')
    (tmp_path / "rust" / "frame.good.rs").write_text('const A: &str = "phx_join";\n')
    details = [one.detail for one in canaries.check(OURS, ["rust/frame", "rust/route"], tmp_path)]
    assert ["known bad" in details[0], "known good" in details[1]] == [True, True]
    assert details[2:] == ["there is no such canary"] * 2
