"""guards.toml is found upward, refuses what it does not know, and names the key."""

from __future__ import annotations

from pathlib import Path

import pytest

from guards.config import GuardsConfig, find, load, rules_of
from guards.rule import RULES
from guards.rule import load as load_rules
from harness.errors import ConfigError

OWN_RULE = """[[rule]]
id = "{name}"
guard = "naming"
kind = "naming"
symbols = ["OldName"]
reason = "it is gone"
owner = "owner:web"
replacement = "NewName"
source = "ours"
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "guards.toml"
    path.write_text(text)
    return path


def own(folder: Path, name: str = "own") -> Path:
    (folder / "rules").mkdir()
    (folder / "rules" / "own.toml").write_text(OWN_RULE.format(name=name))
    return written(folder, 'rules = ["rules"]\n')


def test_it_is_found_in_the_nearest_folder_above(tmp_path: Path) -> None:
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    assert find(deep) is None or tmp_path not in (find(deep) or Path()).parents
    written(tmp_path, "")
    assert find(deep) == tmp_path / "guards.toml"
    written(tmp_path / "a", "")
    assert find(deep) == tmp_path / "a" / "guards.toml"


def test_everything_has_a_default(tmp_path: Path) -> None:
    assert load(None) == load(written(tmp_path, "")) == GuardsConfig()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("retain = []\n", "retain: Extra inputs"),
        ("version = 2\n", "version: Input should be 1"),
        ("floor = 0\n", "floor: "),
        ("blocks = []\n", "blocks: "),
        ('blocks = ["cod"]\n', "blocks.0: "),
        ("[places]\narchive = []\n", "places.archive: Extra inputs"),
        ("[", "cannot be read"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, said: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert str(path) in str(caught.value)
    assert said in str(caught.value)


def test_one_that_is_named_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path / "guards.toml")


def test_rules_of_a_subject_come_after_ours(tmp_path: Path) -> None:
    path = own(tmp_path)
    assert [rule.id for rule in rules_of(load(path), path)][-1] == "own"
    assert rules_of(GuardsConfig(), None) == load_rules(RULES)


def test_a_folder_of_rules_that_is_not_there(tmp_path: Path) -> None:
    path = written(tmp_path, 'rules = ["rules"]\n')
    with pytest.raises(ConfigError, match="there are no rules"):
        rules_of(load(path), path)


def test_a_broken_rule(tmp_path: Path) -> None:
    path = own(tmp_path)
    with (tmp_path / "rules" / "own.toml").open("a") as file:
        file.write('kinds = "naming"\n')
    with pytest.raises(ConfigError, match=r"own\.toml: rule own: kinds: Extra inputs"):
        rules_of(load(path), path)


def test_a_rule_cannot_take_the_place_of_another(tmp_path: Path) -> None:
    path = own(tmp_path, "phoenix-frame")
    with pytest.raises(ConfigError, match="the same id as another: phoenix-frame"):
        rules_of(load(path), path)
