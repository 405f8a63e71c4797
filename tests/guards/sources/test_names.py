"""What a name stands for, where it stands."""

from __future__ import annotations

from guards.sources.names import MAX_RESOLVED, MAX_STEPS, Names
from guards.sources.values import HOLE, Values


def names(outside: dict[str, Values] | None = None) -> Names[str]:
    """Expressions are texts; `$name` stands for another name, and what follows a `+` is added."""

    def values(node: str) -> Values:
        parts = [own.named(part[1:]) if part.startswith("$") else (part,) for part in node.split("+")]
        return tuple({"".join(one[0] if one else HOLE for one in parts)}) if any(parts) else ()

    own: Names[str] = Names(outside or {}, values)
    return own


def test_several_definitions_are_several_values() -> None:
    own = names()
    own.define("a", "x", place=0)
    own.define("a", "y", place=1)
    assert own.named("a") == ("x", "y")
    assert own.constants() == {"a": ("x", "y")}


def test_inside_of_its_definition_a_name_is_what_it_was() -> None:
    own = names()
    own.define("a", "x", place=0)
    own.define("a", "$a+y", place=1)
    own.define("a", "z", place=2, grows=True)
    assert own.named("a") == ("x", "xy", "xyz")
    with own.standing(2) as definition:
        assert definition == ("a", 2)
        assert own.named("a") == ("xy",)
    with own.standing(7) as definition:
        assert definition is None
        assert own.named("a") == ("x", "xy", "xyz")


def test_before_its_first_definition_it_is_what_another_file_says() -> None:
    own = names({"a": ("x",)})
    assert own.is_outside("a")
    own.define("a", "$a+y", place=0)
    assert own.named("a") == ("xy",)
    assert not own.is_outside("a")


def test_aliases_are_followed_and_shared() -> None:
    own = names({"head": ("x",)})
    own.rename("head", "first")
    own.rename("first", "second")
    assert own.named("second") == ("x",)
    assert own.is_outside("second")
    assert own.constants() == {"first": ("x",), "second": ("x",)}


def test_circles_end() -> None:
    own = names()
    own.define("a", "$b", place=0)
    own.define("b", "$a", place=1)
    own.rename("c", "d")
    own.rename("d", "c")
    assert own.named("a") == own.named("d") == ()


def test_no_chain_exhausts_the_stack() -> None:
    own = names()
    for place in range(MAX_STEPS * 10):
        own.define("a", "x", place=place, grows=place > 0)
    assert own.at("a", MAX_STEPS * 10 - 1)[0].endswith("x")


def test_circles_of_many_names_take_no_time() -> None:
    own = names()
    for place in range(4_000):
        own.define(f"n{place % 40}", "+".join(f"$n{(place * step) % 40}" for step in (3, 7, 11)), place=place)
    assert len(own.constants()) <= 40
    assert own._resolved <= MAX_RESOLVED + 4_000
