"""An exception covers exactly what it names while it is live and whole; whatever is wrong with one is said."""

from __future__ import annotations

import tomllib
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from guards.exceptions import Exception_, applied, faults_of, load, stubs
from guards.hits import Hit
from harness.errors import ConfigError

TODAY = date(2026, 11, 21)
RULES = ("phoenix-frame", "convex-naming")
HIT = Hit(
    "legacy-symbols", "phoenix-frame", "phx_join", "apps/runtime/src/socket.rs", 3, 9, "string", "literal",
    '"phx_join"', blocks=True,
)  # fmt: skip
WHOLE: dict[str, Any] = {
    "id": "EX-1",
    "surface": "runtime",
    "rule": "phoenix-frame",
    "paths": ["apps/runtime/src/socket.rs"],
    "created": TODAY - timedelta(days=4),
    "expires": TODAY + timedelta(days=10),
    "blocker": "the desktop of 1.7 still joins",
    "owner": "owner:runtime",
    "deletion_issue": "https://tracker.example/17",
    "blast_radius": "desktops of 1.7",
    "rollback": "revert the commit",
}


def exception(**changes: Any) -> Exception_:
    return Exception_.model_validate({**WHOLE, **changes})


def days(number: int) -> date:
    return TODAY + timedelta(days=number)


def renewal(on: date, by: str = "me", evidence: str = "run 7") -> dict[str, Any]:
    return {"on": on, "by": by, "evidence": evidence}


def faults(*book: Exception_, hits: tuple[Hit, ...] = (HIT,)) -> list[str]:
    return [what for _, what in applied(hits, book, TODAY, RULES)[1]]


def test_a_live_exception_covers_its_hit() -> None:
    other = msgspec.structs.replace(HIT, path="apps/runtime/src/other.rs")
    marked, wrong = applied((HIT, other), (exception(),), TODAY, RULES)
    assert not wrong
    assert [(hit.blocks, hit.covered) for hit in marked] == [
        (False, f"exception EX-1 until {WHOLE['expires']}"),
        (True, ""),
    ]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"expires": days(-1)}, f"it expired on {days(-1)}"),
        ({"created": days(1)}, f"it is dated {days(1)}, which is still to come"),
        ({"created": days(2), "expires": days(1)}, f"it expires on {days(1)}, before it was created"),
        ({"created": days(-15), "expires": days(0)},
         "it is 15 days old without evidence of renewal; at most 14"),
        ({"expires": days(11)}, "it runs 15 days from its last evidence; at most 14"),
        ({"created": days(-30), "renewals": [renewal(days(-3), evidence=" ")]},
         "it is 30 days old without evidence of renewal; at most 14"),
        ({"created": days(-30), "renewals": [renewal(days(1))]},
         "it is 30 days old without evidence of renewal; at most 14"),
        ({"rule": "phoenix-fram"}, "there is no rule 'phoenix-fram'"),
        ({"surface": "runtime, desktop"}, "it is bounded to a single surface, and names 'runtime, desktop'"),
        ({"surface": "all"}, "it is bounded to a single surface, and names 'all'"),
        ({"paths": ["apps/*"]}, "path 'apps/*' is wider than one surface"),
        ({"paths": ["**/socket.rs"]}, "path '**/socket.rs' is wider than one surface"),
        ({"paths": ["*"]}, "path '*' is wider than one surface"),
        ({"paths": ["apps/runtime/src/socket.rs", "apps/desktop/src/socket.rs"]},
         "its paths are of several surfaces: apps/desktop, apps/runtime"),
        ({"rule": "convex-naming"}, "it covers nothing that would block: delete it"),
    ],
)  # fmt: skip
def test_what_does_not_comply_is_said_and_covers_nothing(changes: dict[str, Any], said: str) -> None:
    marked, wrong = applied((HIT,), (exception(**changes),), TODAY, RULES)
    assert ("EX-1", said) in wrong
    assert marked == (HIT,)


@pytest.mark.parametrize("lacking", sorted(WHOLE))
@pytest.mark.parametrize("how", ["absent", "blank"])
def test_an_incomplete_one_covers_nothing(lacking: str, how: str) -> None:
    table = {name: value for name, value in WHOLE.items() if name != lacking}
    if how == "blank" and isinstance(WHOLE[lacking], str):
        table[lacking] = "  "
    marked, wrong = applied((HIT,), (Exception_.model_validate(table),), TODAY, RULES)
    assert (table.get("id", "").strip() or "number 1", f"{lacking} is missing") in wrong
    assert marked == (HIT,)


def test_a_renewed_one_may_grow_old() -> None:
    renewed = exception(created=days(-60), expires=days(9), renewals=[renewal(days(-40)), renewal(days(-5))])
    marked, wrong = applied((HIT,), (renewed,), TODAY, RULES)
    assert not wrong
    assert not marked[0].blocks


@pytest.mark.parametrize(
    "paths",
    [["apps/runtime/src/*.rs", "apps/runtime/src/socket.rs"], ["apps/runtime/*"], ["src/socket.rs", "src/a.rs"],
     ["src/a.rs", "src/net/socket.rs"], ["socket.rs"]],
)  # fmt: skip
def test_paths_of_one_surface(paths: list[str]) -> None:
    hits = tuple(msgspec.structs.replace(HIT, path=path.replace("*", "x")) for path in paths)
    assert not faults(exception(paths=paths), hits=hits)


def test_the_same_id_twice_covers_nothing() -> None:
    marked, wrong = applied((HIT,), (exception(), exception()), TODAY, RULES)
    assert wrong == [("EX-1", "the same id is given twice")]
    assert marked == (HIT,)


def test_one_of_what_does_not_block_is_of_no_use() -> None:
    comment = msgspec.structs.replace(HIT, cls="comment", blocks=False)
    assert faults(exception(), hits=(comment,)) == ["it covers nothing that would block: delete it"]
    known = msgspec.structs.replace(HIT, blocks=False, covered="known at 1234")
    assert not faults(exception(), hits=(known,)), "a baseline may cover it too"


def test_no_exceptions_no_faults() -> None:
    assert faults_of((), today=TODAY, used=(), known=RULES) == []
    assert load(Path("/nowhere/exceptions.toml")) == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[exception]", "cannot be read"),
        ('[[exceptions]]\nid = "EX-1"\n', "exceptions: Extra inputs"),
        ('[[exception]]\nexpiry = "soon"\n', "exception.0.expiry: Extra inputs"),
        ('[[exception]]\ncreated = "soon"\n', "exception.0.created"),
        ('exception = "all"\n', "exception: "),
        ("\udcff", "cannot be read"),
    ],
)
def test_a_malformed_file_is_told_by_its_key(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "exceptions.toml"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert str(path) in str(caught.value)
    assert said in str(caught.value)


def test_a_stub_for_each_rule_and_surface_is_whole_once_filled_in(tmp_path: Path) -> None:
    odd = msgspec.structs.replace(HIT, path='apps/desktop/a "b"\n.ts')
    again = msgspec.structs.replace(HIT, line=9)
    comment = msgspec.structs.replace(HIT, path="apps/web/x.ts", blocks=False)
    text = "\n".join(stubs((HIT, again, odd, comment), TODAY))
    tables = tomllib.loads(text)["exception"]
    assert [table["paths"] for table in tables] == [[odd.path], [HIT.path]]
    filled = text.replace('= ""', '= "said"').replace("# [[", "[[").replace("# on =", "on =")
    path = tmp_path / "exceptions.toml"
    path.write_text(filled.replace("# by", "by").replace("# evidence", "evidence"))
    assert not faults(*load(path), hits=(HIT, odd))
