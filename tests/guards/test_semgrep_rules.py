"""What semgrep is given is made of our rules, is fresh, and has its canaries. The engine has a test of its own."""

from __future__ import annotations

import re

import pytest

from guards.rule import RULES, load
from guards.semgrep_lane import LANGUAGES as COPIED
from guards.semgrep_rules import FOLDER, LANGUAGES, _literal, _regex, rules_for, text_of

RULES_OF_OURS = load(RULES)


@pytest.mark.parametrize("family", LANGUAGES)
def test_the_files_are_fresh(family: str) -> None:
    made = text_of(rules_for(RULES_OF_OURS)[family])
    assert (FOLDER / f"{family}.yaml").read_text() == made, "run python -m guards.semgrep_rules"


@pytest.mark.parametrize("rule", RULES_OF_OURS, ids=lambda rule: rule.id)
@pytest.mark.parametrize("canary", sorted({canary for _, canary in COPIED.values()}))
def test_every_rule_has_its_canaries_in_every_language(canary: str, rule: object) -> None:
    lines = (FOLDER / canary).read_text().splitlines()
    for which in ("ruleid", "ok"):
        assert lines.count(f"// {which}: {getattr(rule, 'id')}") >= 1  # noqa: B009


@pytest.mark.parametrize("rule", RULES_OF_OURS, ids=lambda rule: rule.id)
def test_a_pattern_has_no_escape_that_a_language_could_read(rule: object) -> None:
    (found,) = [one for one in RULES_OF_OURS if one is rule]
    plain = _literal(found)
    if not found.near and not found.not_near:
        assert "\\" not in plain
    for symbol in found.symbols:
        assert re.search(plain, f"send({symbol.upper()})")
        assert not re.search(plain, f"send({symbol}x)")


def test_names_are_found_by_their_words() -> None:
    (rule,) = [one for one in RULES_OF_OURS if one.id == "legacy-lane-toggle"]
    for name in ("useLegacySocket", "SYNC_LEGACY_ENABLED", "legacy.sync.enabled"):
        assert re.search(_regex(rule), name) and any(rule.matches(name))
    for name in ("becauseLegacySync", "legacy_user_id", "useSocket"):
        assert not re.search(_regex(rule), name)
