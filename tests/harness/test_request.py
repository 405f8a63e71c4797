"""What a user asks for, and the words that ask for it again."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.evidence.signoff import Play
from harness.request import Request, repeat_command, repeat_play


def test_a_run_and_its_parts_can_be_asked_for_again() -> None:
    request = Request(Path("/s/signoff.toml"), Path("reports"), seed=7, told_config="my subject/signoff.toml")
    run = "signoff run --config 'my subject/signoff.toml' --seed 7 --profile standard"
    assert repeat_command(request) == run
    assert repeat_play(request, Play("a/one")) == f"{run} --only a/one"
    drill = "signoff drill chaos/x --config 'my subject/signoff.toml' --seed 9 --profile standard"
    assert repeat_play(request, Play("chaos/x", 9)) == drill


def test_without_the_users_words_it_is_told_from_where_he_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert Request(tmp_path / "signoff.toml", Path("r")).told == "signoff.toml"


def test_the_user_says_how_many_gates_play_beside_each_other() -> None:
    assert Request(Path("c"), Path("r"), jobs=3).workers == 3
    assert 1 <= Request(Path("c"), Path("r")).workers <= 4
