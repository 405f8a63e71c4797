"""A canary that is missed, wrongly hit, absent or that breaks an engine is told; all of ours are right."""

from __future__ import annotations

from pathlib import Path

import pytest

from guards import canaries
from guards.languages import LANGUAGES
from guards.rule import RULES, load
from tests.guards.repository import write

RULES_OF_OURS = load(RULES)
MAX_LINES = 7  # of a canary: they are scanned in every run
BAD, GOOD = "x = 'phx_join'\n", "x = 'phx_joined'\n"


def details(folder: Path, files: dict[str, str | bytes]) -> dict[bool, str]:
    write(folder / "python", files)
    return {one.bad: one.detail for one in canaries.check(RULES_OF_OURS, ["python/frame"], folder)}


def test_there_is_a_pair_for_each_language_and_kind_of_rule() -> None:
    assert len(canaries.names()) == len(LANGUAGES) * len({rule.kind for rule in RULES_OF_OURS})
    for name in canaries.names():
        for which in ("bad", "good"):
            assert list(canaries.FOLDER.glob(f"{name}.{which}.*")), f"{name}.{which}"


def test_all_of_ours_are_right() -> None:
    wrong = [one for one in canaries.check(RULES_OF_OURS, canaries.names()) if not one.right]
    assert not wrong


def test_a_right_pair(tmp_path: Path) -> None:
    assert details(tmp_path, {"frame.bad.py": BAD, "frame.good.py": GOOD}) == {True: "", False: ""}


def test_a_bad_one_that_is_missed(tmp_path: Path) -> None:
    said = details(tmp_path, {"frame.bad.py": GOOD, "frame.good.py": GOOD})
    assert said == {True: "frame.bad.py: known bad, and no frame was found in it", False: ""}


def test_a_bad_one_that_is_hit_by_another_kind_only(tmp_path: Path) -> None:
    said = details(tmp_path, {"frame.bad.py": "x = '/api/v1/sync/token'\n", "frame.good.py": GOOD})
    assert said[True] == "frame.bad.py: known bad, and no frame was found in it"


def test_a_good_one_that_is_hit(tmp_path: Path) -> None:
    said = details(tmp_path, {"frame.bad.py": BAD, "frame.good.py": BAD})
    assert said[False] == "frame.good.py: known good, and phoenix-frame was found in it"


@pytest.mark.parametrize("files", [{}, {"frame.bad.py": BAD}])
def test_one_that_is_not_there(tmp_path: Path, files: dict[str, str | bytes]) -> None:
    assert details(tmp_path, files)[False] == "there is no such canary"


def test_an_engine_that_breaks_on_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RecursionError("too deep")

    monkeypatch.setattr(canaries, "look", broken)
    said = details(tmp_path, {"frame.bad.py": BAD, "frame.good.py": "x = 'phx_' 'joined'\n"})
    assert said[True] == "frame.bad.py: RecursionError: too deep"


def test_one_that_cannot_be_read(tmp_path: Path) -> None:
    assert "UnicodeDecodeError" in details(tmp_path, {"frame.bad.py": b"phx_join\xff", "frame.good.py": GOOD})[True]


def test_no_canary_is_without_use() -> None:
    wanted = {f"{name}.{which}" for name in canaries.names() for which in ("bad", "good")}
    files = [path for path in canaries.FOLDER.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    assert {f"{path.parent.name}/{path.name.rsplit('.', 1)[0]}" for path in files} == wanted
    assert all(len(path.read_text().splitlines()) <= MAX_LINES for path in files)


def test_what_is_missed_or_wrongly_hit_is_said(tmp_path: Path) -> None:
    (tmp_path / "rust").mkdir()
    (tmp_path / "rust" / "frame.bad.rs").write_text('const A: &str = "nothing";\n')
    (tmp_path / "rust" / "frame.good.rs").write_text('const A: &str = "phx_join";\n')
    details = [one.detail for one in canaries.check(RULES_OF_OURS, ["rust/frame", "rust/route"], tmp_path)]
    assert ["known bad" in details[0], "known good" in details[1]] == [True, True]
    assert details[2:] == ["there is no such canary"] * 2
