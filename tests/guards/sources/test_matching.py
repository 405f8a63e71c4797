"""Rules against texts: which concern a language, what may be made of a piece, and what needs its line."""

from __future__ import annotations

import pytest

from guards.rule import RULES, Rule, load
from guards.sources.matching import RuleSet

OURS = load(RULES)


def test_rules_of_other_languages_are_left_out() -> None:
    rule = OURS[0].model_copy(update={"languages": ("rust",)})
    assert RuleSet([rule], "rust").rules == (rule,)
    assert RuleSet([rule], "java").rules == ()


@pytest.mark.parametrize("text", ["phx_join", "PHX-JOIN", "phxJoin", "a InMemoryPublisher b", "useConvexQuery"])
def test_every_spelling_is_matched(text: str) -> None:
    assert list(RuleSet(OURS, "rust").matches(text))


@pytest.mark.parametrize(
    ("text", "is_piece"),
    [
        ("phx_", True),
        ("PHX", True),
        ("join", True),
        ("wss://host/sync/so", True),
        ("cket/websocket?a=b", True),
        ("/sync/socket/websocket", True),
        ("spacetime", True),
        ("ph", False),
        ("anything", False),
        ("", False),
    ],
)
def test_a_piece_is_what_a_symbol_can_be_made_of(text: str, is_piece: bool) -> None:
    assert RuleSet(OURS, "rust").is_piece(text) is is_piece


def test_what_was_put_together_has_no_line_around_it() -> None:
    near = Rule.model_validate(
        {**OURS[0].model_dump(), "symbols": (), "pattern": "ab", "anchors": ("ab",), "near": "c"}
    )
    rules = RuleSet([near], "rust")
    assert len(list(rules.matches("ab c"))) == 1
    assert list(rules.folded(["ab c"])) == []
