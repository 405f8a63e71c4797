"""Verification judges again from the bytes: each way to be wrong is named."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from harness.evidence.bundle import Bundle, RunEvent, pretty
from harness.evidence.judgement import CheckerSpec
from harness.evidence.signoff import GateResult, Plan, Play, Signoff
from harness.evidence.verify import verify
from harness.verdict import Overall, Verdict
from tests.harness.evidence.bundles import (
    EXPECTED,
    GATE,
    SPEC,
    finish,
    history,
    make,
)


def test_a_bundle_as_it_is_has_no_problem(tmp_path: Path) -> None:
    report = verify(make(tmp_path).folder, EXPECTED)
    assert (report.problems, report.judged) == ((), 1)


def edited_history(bundle: Bundle) -> None:
    bundle.write(f"gates/{GATE}/history.jsonl", history("2").dump())


def edited_history_resealed(bundle: Bundle) -> None:
    """G16: the history is edited together with its digest."""
    edited_history(bundle)
    bundle.seal()


def dropped_sabotage_resealed(bundle: Bundle) -> None:
    shutil.rmtree(bundle.folder_of(Play(GATE)) / "sabotage")
    bundle.seal()


def edited_page_resealed(bundle: Bundle) -> None:
    page = (bundle.folder / "SIGNOFF.md").read_text()
    bundle.write("SIGNOFF.md", page.replace("INCOMPLETE", "GO").encode())
    bundle.seal()


def signoff_of(bundle: Bundle) -> Signoff:
    return bundle.read("signoff.json", Signoff)


def claims_go(bundle: Bundle) -> None:
    finish(bundle, replace(signoff_of(bundle), verdict=Overall.GO, exit_code=0))


def hides_its_profile(bundle: Bundle) -> None:
    finish(bundle, replace(signoff_of(bundle), profile="release"))


def passes_what_is_missing(bundle: Bundle) -> None:
    signoff = signoff_of(bundle)
    second = replace(signoff.gates[1], verdict=Verdict.PASS, reasons=())
    finish(bundle, replace(signoff, gates=(signoff.gates[0], second)))


def leaves_a_gate_out(bundle: Bundle) -> None:
    signoff = signoff_of(bundle)
    finish(bundle, replace(signoff, gates=signoff.gates[:1]))


def weaker_plan(bundle: Bundle) -> None:
    plan = bundle.read("plan.json", Plan)
    weaker = replace(SPEC, checkers=(CheckerSpec("idle-run", "I13", {"floors": {"request": 1}}),))
    bundle.write("plan.json", pretty(replace(plan, gates=(weaker,))))
    bundle.seal()


def plan_of_another_run(bundle: Bundle) -> None:
    bundle.write("plan.json", pretty(replace(bundle.read("plan.json", Plan), seed=99)))
    bundle.seal()


def no_plan(bundle: Bundle) -> None:
    (bundle.folder / "plan.json").unlink()
    bundle.seal()


def history_of_another_gate(bundle: Bundle) -> None:
    bundle.write(f"gates/{GATE}/history.jsonl", history("1", "other/gate").dump())
    bundle.seal()


def sabotage_of_another_gate(bundle: Bundle) -> None:
    bundle.write(f"gates/{GATE}/sabotage/s/history.jsonl", history("2", "other/gate#s").dump())
    bundle.seal()


def emptied_checks(bundle: Bundle) -> None:
    bundle.write(f"gates/{GATE}/checks.json", b"[]\n")
    bundle.seal()


def establishes_everything(bundle: Bundle) -> None:
    finish(bundle, replace(signoff_of(bundle), not_established=()))


def invents_an_exception(bundle: Bundle) -> None:
    finish(bundle, replace(signoff_of(bundle), exceptions=("EX-1",)))


def names_no_lab(bundle: Bundle) -> None:
    finish(bundle, replace(signoff_of(bundle), lab=None))


def never_finished(bundle: Bundle) -> None:
    events = [event for event in bundle.events() if event.event == "started"]
    (bundle.folder / "record.jsonl").unlink()
    for event in events:
        bundle.note(event)
    bundle.seal()


def played_twice(bundle: Bundle) -> None:
    bundle.note(RunEvent("started", GATE, 3, 1))
    bundle.note(RunEvent("finished", GATE, 4, 1, "PASS"))
    bundle.seal()


def played_a_stranger(bundle: Bundle) -> None:
    bundle.note(RunEvent("started", "no/such", 3, 1))
    bundle.seal()


def hides_a_gate_behind_a_drill(bundle: Bundle) -> None:
    """A play of the gate's name, so that the gate itself counts as a merge."""
    signoff = signoff_of(bundle)
    finish(bundle, replace(signoff, drills=(replace(signoff.gates[0], checks=(), verdict=Verdict.MISSING, seed=7),)))


def truncated_signoff(bundle: Bundle) -> None:
    data = (bundle.folder / "signoff.json").read_bytes()
    bundle.write("signoff.json", data[: len(data) // 2])
    bundle.seal()


def broken_history(bundle: Bundle) -> None:
    bundle.write(f"gates/{GATE}/history.jsonl", b"nothing\n")
    bundle.seal()


def damaged_history(bundle: Bundle) -> None:
    """One flipped byte within a text."""
    name = f"gates/{GATE}/history.jsonl"
    bundle.write(name, (bundle.folder / name).read_bytes().replace(b'"gate"', b'"g\xffte"', 1))
    bundle.seal()


def damaged_signoff(bundle: Bundle) -> None:
    data = (bundle.folder / "signoff.json").read_bytes()
    bundle.write(
        "signoff.json", data.replace(b"GO", b"\xff\xfe", 1).replace(b"NOT", b"\xff", 1).replace(b'"s"', b'"\xff"')
    )
    bundle.seal()


def plan_with_a_checker_that_nobody_has(bundle: Bundle) -> None:
    plan = bundle.read("plan.json", Plan)
    odd = replace(SPEC, checkers=(CheckerSpec("all-is-well", "I0", {}),))
    bundle.write("plan.json", pretty(replace(plan, gates=(odd,))))
    bundle.seal()


def told_otherwise(**changes: object) -> Callable[[Bundle], None]:
    """Everything of one gate but its verdict, changed in all places and rendered anew."""

    def tamper(bundle: Bundle) -> None:
        signoff = signoff_of(bundle)
        kinder = replace(signoff.gates[0], **changes)
        bundle.write(f"gates/{GATE}/verdict.json", pretty(kinder))
        finish(bundle, replace(signoff, gates=(kinder, *signoff.gates[1:])))

    return tamper


def edited_verdict_resealed(bundle: Bundle) -> None:
    """The gate's own file says something kinder than the signoff that was composed from it."""
    name = f"gates/{GATE}/verdict.json"
    result = bundle.read(name, GateResult)
    bundle.write(name, pretty(replace(result, reasons=("all is well",))))
    bundle.seal()


@pytest.mark.parametrize(
    ("tamper", "said"),
    [
        (damaged_history, "cannot be judged again"),
        (damaged_signoff, "signoff.json"),
        (plan_with_a_checker_that_nobody_has, "unknown checker 'all-is-well'"),
        (told_otherwise(reasons=("a known flake",)), f"{GATE}: judged again its reasons differ"),
        (told_otherwise(counts={"request": 3_000}), f"{GATE}: its counts are not those of its history"),
        (told_otherwise(floors={"request": 1}), f"{GATE}: its floors are not those of its plan"),
        (told_otherwise(requirements=("R-1", "R-2")), f"signoff.json: {GATE} decides other clauses"),
        (edited_verdict_resealed, f"gates/{GATE}/verdict.json: it does not say what signoff.json says"),
        (edited_history, "its bytes are not those that were sealed"),
        (edited_history_resealed, "judged again it is FAIL"),
        (dropped_sabotage_resealed, "judged again it is UNKNOWN"),
        (edited_page_resealed, "SIGNOFF.md: it does not say what signoff.json says"),
        (claims_go, "it says GO, its gates give INCOMPLETE"),
        (hides_its_profile, "plan of another run"),
        (passes_what_is_missing, "b/two was started 0 times"),
        (leaves_a_gate_out, "its gates are not those that the clauses name"),
        (weaker_plan, "other checkers, parameters or floors"),
        (plan_of_another_run, "plan of another run"),
        (no_plan, "there is no plan"),
        (history_of_another_gate, "it is the history of 'other/gate'"),
        (sabotage_of_another_gate, "it is the history of 'other/gate#s'"),
        (emptied_checks, "checks.json: it does not say"),
        (establishes_everything, "what it does not establish"),
        (invents_an_exception, "not those that its gates rest on"),
        (told_otherwise(exceptions=("EX-1",)), "its exceptions are not those of its history"),
        (names_no_lab, "it names no lab"),
        (never_finished, "finished 0 times"),
        (played_twice, "started 2 times"),
        (played_a_stranger, "no/such was played"),
        (hides_a_gate_behind_a_drill, f"{GATE} is told as a drill, and none was planned"),
        (truncated_signoff, "signoff.json"),
        (broken_history, "cannot be judged again"),
    ],
)
def test_each_tampering_is_named(tmp_path: Path, tamper: Callable[[Bundle], None], said: str) -> None:
    bundle = make(tmp_path)
    tamper(bundle)
    problems = verify(bundle.folder, EXPECTED).problems
    assert any(said in problem for problem in problems), problems


def test_a_manifest_that_was_weakened_here_is_seen_from_there(tmp_path: Path) -> None:
    """The verifier holds its own manifest: a bundle made with another is refused."""
    stricter = replace(
        EXPECTED, manifest=(replace(SPEC, checkers=(*SPEC.checkers, CheckerSpec("record-broken", "I15", {}))),)
    )
    assert any("other checkers" in problem for problem in verify(make(tmp_path).folder, stricter).problems)


@pytest.mark.parametrize("content", [None, {}, {"manifest.json": "{}"}, {"manifest.json": json.dumps({"files": {}})}])
def test_what_is_no_bundle_is_refused(tmp_path: Path, content: dict[str, str] | None) -> None:
    folder = tmp_path / "bundle"
    if content is not None:
        folder.mkdir()
        for name, text in content.items():
            (folder / name).write_text(text)
    report = verify(folder, EXPECTED)
    assert report.problems
    assert report.signoff is None


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damage_anywhere_is_a_problem_and_never_an_exception(tmp_path: Path, data: st.DataObject) -> None:
    """Bytes put in the place of others, in any file; and again with the seal repaired."""
    bundle = make(tmp_path / data.draw(st.uuids()).hex)
    name = data.draw(st.sampled_from(sorted(bundle.files())))
    whole = (bundle.folder / name).read_bytes()
    start = data.draw(st.integers(0, len(whole) - 1))
    bad = data.draw(
        st.binary(min_size=1, max_size=3) | st.sampled_from([b"null", b"{}", b"[[", b"\xff", b'"x":1,', b""])
    )
    damaged = whole[:start] + bad + whole[start + max(1, len(bad)) :]
    bundle.write(name, damaged)
    found = verify(bundle.folder, EXPECTED).problems
    if damaged != whole and name != "manifest.json":
        assert found
    bundle.seal()
    verify(bundle.folder, EXPECTED)
