"""The signoff as data: signoff.json, the one machine-readable result; everything else is rendered from it.

Pure. Composes gate results into clause verdicts and the overall verdict; the verdict comes from the run's
own record (planned = started = finished, once each), never from a test runner's counts.
docs/signoff.schema.json is generated from these types.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from typing import Literal

from harness.checkers.base import CheckResult
from harness.evidence.defects import Outcome
from harness.evidence.judgement import Falsification, GateSpec, Ground, WindowSeen
from harness.evidence.requirements import Expected
from harness.history import Record
from harness.verdict import Exit, Overall, Verdict, merge

SCHEMA_VERSION = 1
Profile = Literal["smoke", "standard", "release"]
DRILL_SEEDS: dict[Profile, int] = {"smoke": 1, "standard": 3, "release": 5}
"""How many seeds each drill is played with."""


class TreeState(Record, frozen=True):
    """The subject's source: its commit (or "" outside git), and whether it has uncommitted changes."""

    commit: str
    dirty: bool


class FileSeen(Record, frozen=True):
    """A file that a command names, by the word for it."""

    word: str
    sha256: str


class SurfaceSeen(Record, frozen=True):
    name: str
    command: tuple[str, ...]
    programs: tuple[FileSeen, ...] = ()


class SubjectSeen(Record, frozen=True):
    name: str
    tree: TreeState
    surfaces: tuple[SurfaceSeen, ...]
    changed: tuple[str, ...] = ()
    """What was not the same at the end of the run as at its start: nobody can say which of the two was judged."""

    @property
    def is_pinned(self) -> bool:
        """Whether it can be said exactly what was judged."""
        return not self.tree.dirty and not self.changed


class ProgramSeen(Record, frozen=True):
    """A program of the lab; `image` is the digest of the image that it ran from, if it ran in a container."""

    version: str
    sha256: str
    source: str
    image: str = ""


class ModuleSeen(Record, frozen=True):
    """`running_program_hash` was read back from a server that runs the wasm."""

    wasm_sha256: str
    running_program_hash: str


class RemoteSeen(Record, frozen=True):
    """A server that ran already: its own word on its version, the database's identity, and the program that runs there.
    Neither its address nor its token is told."""

    version: str
    database_identity: str
    program_hash: str
    writes: bool


class LabSeen(Record, frozen=True):
    """What gates could stand on. Of a lab of our own, with what it ran; of a remote server, what that said."""

    provider: str
    server: ProgramSeen | None
    toxiproxy: ProgramSeen | None
    module: ModuleSeen | None
    remote: RemoteSeen | None = None
    grounds: tuple[Ground, ...] = ("lab", "source")


class Selection(Record, frozen=True):
    only: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()

    @property
    def partial(self) -> bool:
        return bool(self.only or self.skip)

    def takes(self, gate: str) -> bool:
        """Whether a gate is selected. A name ending in / takes all gates below it; `*` stands for any text."""

        def named(names: tuple[str, ...]) -> bool:
            return any(fnmatchcase(gate, f"{name}*" if name.endswith("/") else name) for name in names)

        return (not self.only or named(self.only)) and not named(self.skip)


class Plan(Record, frozen=True):
    """Written before the run from a collection: what will be started, and what decides it."""

    run_id: str
    profile: Profile
    seed: int
    selection: Selection
    gates: tuple[GateSpec, ...]

    @property
    def plays(self) -> tuple[Play, ...]:
        """Everything that will be started, once each."""
        return tuple(play for spec in self.gates for play in plays_of(spec, self.profile, self.seed))


class Play(Record, frozen=True):
    """One playing of a gate: a drill's is known by its seed."""

    gate: str
    seed: int | None = None

    @property
    def base(self) -> str:
        """Its folder in the bundle."""
        return f"gates/{self.gate}" if self.seed is None else f"drills/{self.gate}/{self.seed}"

    @property
    def scenario(self) -> str:
        """The name of its history."""
        return self.gate if self.seed is None else f"{self.gate}@{self.seed}"


def plays_of(spec: GateSpec, profile: Profile, seed: int) -> tuple[Play, ...]:
    """A plain gate is played once; a drill once for each seed of the profile."""
    if not spec.drill:
        return (Play(spec.id),)
    return tuple(Play(spec.id, seed + number) for number in range(DRILL_SEEDS[profile]))


class GateResult(Record, frozen=True):
    """`repeat` is the exact command that plays this gate again; `timings_ms` says where its time went."""

    id: str
    verdict: Verdict
    duration_s: float
    requirements: tuple[str, ...] = ()
    floors: dict[str, int] = {}
    counts: dict[str, int] = {}
    checks: tuple[CheckResult, ...] = ()
    falsifications: tuple[Falsification, ...] = ()
    reasons: tuple[str, ...] = ()
    timings_ms: dict[str, float] = {}
    trouble: str = ""
    lab_failed: bool = False
    repeat: str = ""
    seed: int | None = None
    windows: tuple[WindowSeen, ...] = ()
    exceptions: tuple[str, ...] = ()
    """What it would be red for without them: each with owner, end and scope."""

    @property
    def play(self) -> Play:
        return Play(self.id, self.seed)


class RequirementResult(Record, frozen=True):
    id: str
    seed: str
    clause: str
    text: str
    gates: tuple[str, ...]
    verdict: Verdict


InvariantVerdict = Literal["PASS", "FAIL", "UNKNOWN", "MISSING", "declared"]


class InvariantDeclared(Record, frozen=True):
    """One invariant of the ADR's map: decided by gates, or a process rule that no run can decide."""

    id: str
    title: str
    gates: tuple[str, ...]
    verdict: InvariantVerdict


class EvidenceClass(Record, frozen=True):
    name: str
    verdict: Verdict
    passed: int
    expected: int


class Signoff(Record, frozen=True):
    """signoff.json. Times are UTC in RFC 3339 form."""

    schema_version: int
    run_id: str
    started_at: str
    finished_at: str
    release: str
    profile: Profile
    seed: int
    verdict: Overall
    exit_code: int
    selection: Selection
    subject: SubjectSeen
    lab: LabSeen | None
    gates: tuple[GateResult, ...]
    requirements: tuple[RequirementResult, ...]
    invariants_map: tuple[InvariantDeclared, ...]
    evidence_classes: tuple[EvidenceClass, ...]
    not_established: tuple[str, ...]
    drills: tuple[GateResult, ...] = ()
    """One for each play of a drill; a drill's own entry in `gates` is their merge."""
    guards: tuple[GateResult, ...] = ()
    known_bad: tuple[Outcome, ...] = ()
    """Each known bug of the reference subject that this run played, and whether its gate saw it."""
    exceptions: tuple[str, ...] = ()
    interrupted: bool = False
    repeat: str = ""
    setup_s: float = 0.0
    run_s: float = 0.0

    @property
    def plays(self) -> tuple[GateResult, ...]:
        """Each play once: the gates that are no drills, and the plays of drills."""
        drills = {play.id for play in self.drills}
        return (*(gate for gate in self.gates if gate.id not in drills), *self.drills)


NOT_ESTABLISHED = (
    "survival of power loss: a killed process keeps the kernel's page cache",
    "behaviour over two release cycles",
    "whoever deletes reports/ as a whole",
)

# ADR-0007's map: INV-01 and INV-10 are process rules; no run can decide them.
_INVARIANTS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("INV-01", "proto-first contracts", ()),
    ("INV-02", "HTTP-only authority mutations", ("contract/http-commands-ws-subscriptions",)),
    ("INV-03", "Spacetime-only live transport", ("desktop/websocket-only",)),
    ("INV-06", "sync as delivery, not authority", ("runtime/authority-rebuild",)),
    ("INV-07", "replay and idempotency", ("sync/runtime-to-desktop",)),
    ("INV-10", "legacy removal ordering", ()),
)

_CLASSES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("runtime publisher", ("runtime/", "module/", "contract/")),
    ("desktop transport and parser", ("desktop/",)),
    ("integration and chaos", ("sync/", "chaos/")),
    ("repository guards", ("guards/",)),
)


def missing(gate: str, expected: Expected, why: str) -> GateResult:
    """A gate of the manifest without a result."""
    return GateResult(gate, Verdict.MISSING, 0.0, expected.of_gate(gate), reasons=(why,))


def exceptions_in(plays: Iterable[GateResult]) -> tuple[str, ...]:
    """Every exception that a gate rests on, once."""
    return tuple(sorted({one for play in plays for one in play.exceptions}))


def merge_plays(gate: str, plays: Sequence[GateResult], planned: Sequence[Play], expected: Expected) -> GateResult:
    """A drill's gate: the merge of its plays. One that was planned and has no result makes it MISSING at best."""
    absent = [play for play in planned if play not in {result.play for result in plays}]
    verdict = merge([*(result.verdict for result in plays), *(Verdict.MISSING for _ in absent)])
    open_ones = [result for result in plays if result.verdict is not Verdict.PASS]
    reasons = [f"seed {result.seed}: {reason}" for result in open_ones for reason in result.reasons[:5]]
    reasons += [f"seed {play.seed}: it was planned, and left no result: its worker died" for play in absent]
    counts: dict[str, int] = {}
    for result in plays:
        for kind, number in result.counts.items():
            counts[kind] = counts.get(kind, 0) + number
    return GateResult(
        gate,
        verdict,
        round(sum(result.duration_s for result in plays), 3),
        expected.of_gate(gate),
        floors=plays[0].floors if plays else {},
        counts=counts,
        reasons=tuple(reasons),
        lab_failed=any(result.lab_failed for result in plays),
        repeat=next((result.repeat for result in open_ones), plays[0].repeat if plays else ""),
    )


def requirements_of(expected: Expected, gates: Sequence[GateResult]) -> tuple[RequirementResult, ...]:
    by_id = {gate.id: gate.verdict for gate in gates}
    return tuple(
        RequirementResult(
            r.id, r.seed, r.clause, r.text, r.gates, merge(by_id.get(g, Verdict.MISSING) for g in r.gates)
        )
        for r in expected.requirements
    )


def invariants_of(gates: Sequence[GateResult]) -> tuple[InvariantDeclared, ...]:
    by_id = {gate.id: gate.verdict for gate in gates}

    def verdict_of(decided_by: tuple[str, ...]) -> InvariantVerdict:
        return merge(by_id.get(gate, Verdict.MISSING) for gate in decided_by).value if decided_by else "declared"

    return tuple(InvariantDeclared(name, title, by, verdict_of(by)) for name, title, by in _INVARIANTS)


def classes_of(gates: Sequence[GateResult]) -> tuple[EvidenceClass, ...]:
    found = []
    for name, prefixes in _CLASSES:
        members = [gate for gate in gates if gate.id.startswith(prefixes)]
        passed = sum(gate.verdict is Verdict.PASS for gate in members)
        found.append(EvidenceClass(name, merge(gate.verdict for gate in members), passed, len(members)))
    return tuple(found)


def overall(gates: Sequence[GateResult], *, profile: Profile, selection: Selection, pinned: bool) -> Overall:
    """GO only when every gate of the manifest passed, in a whole run of a clean tree that stayed the same, and not of
    profile smoke."""
    verdict = merge(gate.verdict for gate in gates)
    if verdict is Verdict.FAIL:
        return Overall.NO_GO
    if verdict is not Verdict.PASS or selection.partial or profile == "smoke" or not pinned:
        return Overall.INCOMPLETE
    return Overall.GO


def exit_code(
    gates: Sequence[GateResult],
    expected: Expected,
    selection: Selection,
    lab: LabSeen | None,
    *,
    interrupted: bool,
    changed: bool = False,
) -> Exit:
    """Design, section 4. A gate that is not built, was not selected, or has no ground in this lane, may be MISSING. Of
    a subject that `changed` while it was judged, nothing is decided."""
    if interrupted:
        return Exit.INTERRUPTED
    if any(gate.verdict is Verdict.FAIL for gate in gates):
        return Exit.GATE_FAILED
    if any(gate.lab_failed for gate in gates):
        return Exit.LAB
    selected = [gate for gate in gates if selection.takes(gate.id)]
    open_ones = [g for g in selected if g.verdict is not Verdict.PASS and not may_be_missing(g, expected, lab)]
    nothing = not any(gate.verdict is Verdict.PASS for gate in selected)
    return Exit.UNDECIDED if open_ones or nothing or changed else Exit.OK


def may_be_missing(gate: GateResult, expected: Expected, lab: LabSeen | None) -> bool:
    """Whether it is MISSING, and that was to be expected."""
    if gate.verdict is not Verdict.MISSING:
        return False
    spec = next((spec for spec in expected.manifest if spec.id == gate.id), None)
    return gate.id in expected.not_built or (lab is not None and spec is not None and not spec.grounded(lab.grounds))
