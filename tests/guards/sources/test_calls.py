"""What functions of the usual names make of texts and lists."""

from __future__ import annotations

import pytest

from guards.sources.calls import Operand, made, total
from guards.sources.values import HOLE, Values


def text(*values: str) -> Operand:
    return Operand(values)


def listed(*items: str) -> Operand:
    return Operand(items=tuple((item,) for item in items))


@pytest.mark.parametrize(
    ("callee", "receiver", "arguments", "value"),
    [
        ("concat", text("a"), [text("b"), text("c")], "abc"),
        ("concat!", None, [text("a"), text("bc")], "abc"),
        ("concat", listed("a", "bc"), [], "abc"),
        ("join", text("b"), [listed("a", "c")], "abc"),
        ("join", listed("a", "c"), [text("b")], "abc"),
        ("joined", listed("a", "bc"), [], "abc"),
        ("join", None, [listed("a", "c"), text("b")], "abc"),
        ("join", None, [text("b"), text("a"), text("c")], "abc"),
        ("join", None, [text("/a"), text("b")], "/a/b"),
        ("format", text("a%s"), [text("bc")], "abc"),
        ("sprintf", None, [text("a%s"), text("bc")], "abc"),
        ("any_macro!", None, [text("a{}"), text("bc")], "abc"),
        ("replace", text("axc"), [text("x"), text("b")], "abc"),
        ("tostring", text("abc"), [], "abc"),
        ("from", None, [text("abc")], "abc"),
    ],
)
def test_known_functions(callee: str, receiver: Operand | None, arguments: list[Operand], value: str) -> None:
    assert value in made(callee, receiver, arguments, no_name)


def no_name(name: str) -> Values:
    return ()


def test_functions_that_are_not_known_make_nothing() -> None:
    assert made("send", text("a"), [text("b")], no_name) == ()
    assert made("join", None, [text("a")], no_name) == ()
    assert made("format", None, [], no_name) == ()


def test_a_part_that_is_not_known_is_a_hole() -> None:
    assert made("concat", text("a"), [Operand()], no_name) == (f"a{HOLE}",)
    assert total([(), ("a",)]) == (f"{HOLE}a",)
    assert total([(), ()]) == ()
