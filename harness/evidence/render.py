"""Renders a signoff for people and for other tools. Pure: only what the record holds, nothing is claimed here.

for name, data in all_of(signoff): bundle.write(name, data)
"""

from __future__ import annotations

from collections.abc import Iterator

from harness.evidence.junit import junit
from harness.evidence.signoff import GateResult, LabSeen, ProgramSeen, Signoff
from harness.verdict import Overall, Verdict

_MEANING = {
    Overall.GO: "every clause is decided and passed",
    Overall.NO_GO: "some gate failed: do not release",
    Overall.INCOMPLETE: "nothing failed, but not everything is decided: this is no release signoff",
}
MAX_CELL_CHARS = 220


def all_of(signoff: Signoff) -> Iterator[tuple[str, bytes]]:
    """(name in the bundle, bytes) of everything that is rendered."""
    yield "SIGNOFF.md", signoff_md(signoff).encode()
    yield "ci/junit.xml", junit(signoff)


def last_line(signoff: Signoff, directory: str) -> str:
    """The last line of every run."""
    counts = _counts(signoff)
    told = ", ".join(f"{number} {verdict}" for verdict, number in counts.items())
    count = len(signoff.exceptions)
    exceptions = f" with {count} exception{'s' if count > 1 else ''}" if count else ""
    return f"VERDICT {signoff.verdict.value}{exceptions}: {told}; seed {signoff.seed}; {directory}"


def where_the_time_went(signoff: Signoff) -> str:
    """Set-up, gates, and their parts. Gates run beside each other, so their sum exceeds the run."""
    parts: dict[str, float] = {}
    for gate in signoff.plays:
        for name, ms in gate.timings_ms.items():
            parts[name] = parts.get(name, 0.0) + ms / 1000
    told = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in parts.items())
    played = [gate for gate in signoff.gates if gate.duration_s]
    slowest = max(played, key=lambda gate: gate.duration_s, default=None)
    text = f"set-up {signoff.setup_s:.1f} s, run {signoff.run_s:.1f} s; over all gates: {told or 'nothing played'}"
    return f"{text}; the longest is {slowest.id} with {slowest.duration_s:.1f} s" if slowest else text


def _counts(signoff: Signoff) -> dict[str, int]:
    return {
        v.value: sum(gate.verdict is v for gate in signoff.gates)
        for v in Verdict
        if any(g.verdict is v for g in signoff.gates)
    }


def cell(text: str) -> str:
    """Text of any origin inside a table cell: one line, no markup, nothing that a terminal
    obeys, bounded. A subject's words are hostile input."""
    flat = "".join(char if char.isprintable() else "�" for char in " ".join(text.split()))
    for char in "\\`*_[]<>|#&!":
        flat = flat.replace(char, f"\\{char}")
    return flat if len(flat) <= MAX_CELL_CHARS else flat[: MAX_CELL_CHARS - 1] + "…"


def _table(head: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> list[str]:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return [*lines, *("| " + " | ".join(row) + " |" for row in rows), ""]


def signoff_md(signoff: Signoff) -> str:
    """The one page for a release manager."""
    lines = [
        f"# Signoff: {signoff.verdict.value}",
        "",
        f"**{signoff.verdict.value}**: {_MEANING[signoff.verdict]}.",
        "",
    ]
    lines += [f"{', '.join(f'{n} gates {v}' for v, n in _counts(signoff).items())}.", ""]
    lines += _why_not_go(signoff)
    lines += ["## What was judged", ""]
    lines += _table(("what", "exactly"), _identity(signoff))
    lines += _attention(signoff)
    lines += [
        "## Gates",
        "",
        "Each passed only beside proof that it can fail: `red` counts the mutated histories, the sabotages and the "
        "known bugs that its checkers caught.",
        "",
    ]
    there = [gate for gate in signoff.gates if gate.verdict is not Verdict.MISSING]
    lines += _table(("gate", "verdict", "time", "activity", "red", "why"), (_gate_row(gate) for gate in there))
    lines += _missing(signoff)
    lines += _drills(signoff)
    lines += _known_bad(signoff)
    lines += ["## Clauses", ""]
    lines += _table(
        ("clause", "says", "decided by", "verdict"),
        (
            (f"{r.id} (seed {r.seed}, {cell(r.clause)})", cell(r.text), ", ".join(r.gates), r.verdict.value)
            for r in signoff.requirements
        ),
    )
    lines += ["## Invariants of ADR-0007", ""]
    lines += _table(
        ("invariant", "title", "decided by", "verdict"),
        ((i.id, i.title, ", ".join(i.gates) or "a process rule", i.verdict) for i in signoff.invariants_map),
    )
    lines += ["## Evidence classes", ""]
    lines += _table(
        ("class", "passed", "verdict"),
        ((c.name, f"{c.passed} of {c.expected}", c.verdict.value) for c in signoff.evidence_classes),
    )
    lines += ["## Exceptions", "", *([f"- {cell(one)}" for one in signoff.exceptions] or ["None."]), ""]
    lines += ["## What this run does not establish", "", *(f"- {text}" for text in signoff.not_established), ""]
    lines += _how_to(signoff)
    return "\n".join(lines)


def _why_not_go(signoff: Signoff) -> list[str]:
    if signoff.verdict is Overall.GO:
        return []
    why = []
    if signoff.interrupted:
        why.append("it was interrupted")
    if signoff.profile == "smoke":
        why.append("profile smoke never says GO")
    if signoff.selection.partial:
        why.append("only a part was selected")
    if signoff.subject.tree.dirty:
        why.append("the subject's tree has uncommitted changes or is not under git")
    if signoff.subject.changed:
        why.append(f"the subject changed while it was judged: {cell(', '.join(signoff.subject.changed))}")
    for verdict in (Verdict.FAIL, Verdict.UNKNOWN, Verdict.MISSING):
        number = sum(gate.verdict is verdict for gate in signoff.gates)
        if number:
            why.append(f"{number} gates are {verdict.value}")
    return ["Not GO, because " + "; ".join(why) + ".", ""]


def _identity(signoff: Signoff) -> Iterator[tuple[str, str]]:
    tree = signoff.subject.tree
    yield "subject", cell(signoff.subject.name)
    yield "release", cell(signoff.release or "not named")
    yield "tree", f"`{tree.commit or 'not under git'}`{', with uncommitted changes' if tree.dirty else ''}"
    for surface in signoff.subject.surfaces:
        files = ", ".join(f"{cell(one.word)} sha256 `{one.sha256}`" for one in surface.programs)
        yield surface.name, files or cell(" ".join(surface.command)) or "runs already"
    if signoff.lab is not None:
        lab = signoff.lab
        yield from _lab(lab)
    yield "run", f"{signoff.run_id}, profile {signoff.profile}, seed {signoff.seed}"
    yield "time", f"{signoff.started_at} to {signoff.finished_at}: {where_the_time_went(signoff)}"


def _lab(lab: LabSeen) -> Iterator[tuple[str, str]]:
    if lab.server is not None and lab.toxiproxy is not None and lab.module is not None:
        yield "SpacetimeDB", f"{_program(lab.server)} ({cell(lab.provider)})"
        yield "Toxiproxy", _program(lab.toxiproxy)
        yield "module", f"sha256 `{lab.module.wasm_sha256}`"
        yield "program read back from the server", f"`{lab.module.running_program_hash}`"
    if lab.remote is not None:
        leave = "with leave to write" if lab.remote.writes else "without leave to write"
        yield "remote server", f"SpacetimeDB {cell(lab.remote.version)} by its own word, {leave}"
        yield "remote database", f"identity `{cell(lab.remote.database_identity)}`"
        yield "program that it runs", f"`{cell(lab.remote.program_hash)}`"


def _program(seen: ProgramSeen) -> str:
    """Exactly what ran, and from which image; how that image came to be is no digest's business."""
    image = f", image `{seen.image}`: {cell(seen.source)}" if seen.image else ""
    return f"{cell(seen.version)}, sha256 `{seen.sha256}`{image}"


def _attention(signoff: Signoff) -> list[str]:
    """Failed and undecided gates first, with all that a reader needs to act."""
    lines = []
    for gate in signoff.plays:
        if gate.verdict in (Verdict.FAIL, Verdict.UNKNOWN):
            name = gate.id if gate.seed is None else f"{gate.id}, seed {gate.seed}"
            lines += [f"### {gate.verdict.value} {name}", ""]
            lines += [f"- {cell(reason)}" for reason in gate.reasons[:5]]
            if len(gate.reasons) > 5:
                lines.append(f"- and {len(gate.reasons) - 5} more in {gate.play.base}/checks.json")
            lines += ["", f"Repeat: `{gate.repeat}`", f"See: {gate.play.base}/findings.md", ""]
    return ["## What needs attention", "", *lines] if lines else []


def _drills(signoff: Signoff) -> list[str]:
    """Each play with its faults: how many windows there were, of which kinds, and how many the lab saw bite."""
    if not signoff.drills:
        return []
    lines = [
        "## Drills",
        "",
        "Each window was witnessed by the lab itself, with traffic inside it, or its drill is UNKNOWN (I12).",
        "",
    ]
    return lines + _table(
        ("drill", "seed", "verdict", "time", "windows", "red", "see"), map(_drill_row, signoff.drills)
    )


def _known_bad(signoff: Signoff) -> list[str]:
    """Each known bug of the reference subject, and whether the gate that must see it did so in this run."""
    if not signoff.known_bad:
        return []
    caught = sum(one.caught == "CAUGHT" for one in signoff.known_bad)
    lines = [
        "## Known bugs",
        "",
        f"{caught} of {len(signoff.known_bad)} bugs of the reference subject were caught by the gate that must see "
        "them, each beside a green twin without it, on the same servers. A gate that missed one is UNKNOWN.",
        "",
    ]
    rows = ((one.defect, one.gate, one.invariant, one.caught, cell(one.reason)) for one in signoff.known_bad)
    return lines + _table(("bug", "gate", "invariant", "outcome", "how we know"), rows)


def _drill_row(play: GateResult) -> tuple[str, ...]:
    kinds: dict[str, int] = {}
    for window in play.windows:
        kinds[window.kind] = kinds.get(window.kind, 0) + 1
    bit = sum(window.measured >= window.needed > 0 and window.traffic > 0 for window in play.windows)
    told = ", ".join(f"{number} {kind}" if number > 1 else kind for kind, number in kinds.items())
    return (
        play.id,
        str(play.seed),
        play.verdict.value,
        f"{play.duration_s:.1f} s",
        f"{bit} of {len(play.windows)} witnessed: {cell(told)}",
        _red(play),
        f"[timeline]({play.play.base}/timeline.svg), [latency]({play.play.base}/latency.svg)",
    )


def _missing(signoff: Signoff) -> list[str]:
    """Gates without a result, by the reason why: a reader sees at a glance what nobody decided."""
    by_reason: dict[str, list[str]] = {}
    for gate in signoff.gates:
        if gate.verdict is Verdict.MISSING:
            by_reason.setdefault(gate.reasons[0] if gate.reasons else "no reason was recorded", []).append(gate.id)
    if not by_reason:
        return []
    lines = [f"### MISSING: {sum(map(len, by_reason.values()))} gates without a result", ""]
    return [*lines, *(f"- {cell(reason)}: {', '.join(gates)}" for reason, gates in by_reason.items()), ""]


def _gate_row(gate: GateResult) -> tuple[str, ...]:
    activity = ", ".join(f"{number} {kind}" for kind, number in sorted(gate.counts.items()) if kind in gate.floors)
    return (
        gate.id,
        gate.verdict.value,
        f"{gate.duration_s:.1f} s" if gate.duration_s else "",
        activity,
        _red(gate),
        cell(gate.reasons[0] if gate.reasons else _rests_on(gate)),
    )


def _rests_on(gate: GateResult) -> str:
    return f"with {', '.join(one.split(' ', 1)[0] for one in gate.exceptions)}" if gate.exceptions else ""


def _red(gate: GateResult) -> str:
    """How many of the attempts to see it fail did so."""
    tried = [f for f in gate.falsifications if f.outcome != "no-victim"]
    return f"{sum(f.outcome == 'red' for f in tried)} of {len(tried)}" if tried else ""


def _how_to(signoff: Signoff) -> list[str]:
    return [
        "## How to repeat and to verify",
        "",
        f"- Repeat the run: `{signoff.repeat}`",
        "- Repeat one gate: `sh gates/<gate>/repro.sh`; one drill: `sh drills/<drill>/<seed>/repro.sh`",
        "- Judge this bundle again, offline: `signoff verify DIR`",
        "",
    ]
