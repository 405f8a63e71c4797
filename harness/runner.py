"""A run, from signoff.toml to a sealed bundle: the whole story on one screen.

    config -> lab (servers ready, module read back) -> gates, each on its own scenario -> record -> verdicts -> bundle

The gates run under pytest in a child process, perhaps in several workers; what they leave in the bundle
is the only thing that is believed: a gate that was planned and has not been started and finished
once each is MISSING, whatever a test runner says.

    outcome = run(Request(config_path, reports=Path("reports")), progress)
    outcome.exit_code
"""

from __future__ import annotations

import asyncio
import os
import shlex
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

from harness import process
from harness.config import Config
from harness.errors import EvidenceError, LabError, WireError
from harness.evidence import render
from harness.evidence.bundle import Bundle, RunEvent, pretty
from harness.evidence.requirements import Expected
from harness.evidence.requirements import load as load_expected
from harness.evidence.signoff import (
    NOT_ESTABLISHED,
    SCHEMA_VERSION,
    GateResult,
    LabSeen,
    Plan,
    Play,
    Profile,
    RemoteSeen,
    Selection,
    Signoff,
    SubjectSeen,
    classes_of,
    exceptions_in,
    exit_code,
    invariants_of,
    merge_plays,
    missing,
    overall,
    plays_of,
    requirements_of,
)
from harness.follow import Followed
from harness.lab import engine, providers
from harness.lab.remote import Remote
from harness.loading import load
from harness.process import WORK_PREFIX
from harness.progress import Progress
from harness.setup import Setup
from harness.subject import (
    changed_since,
    check_tables,
    grounds_of,
    see_environment,
    see_lab,
    see_remote,
    see_subject,
)
from harness.verdict import Verdict

ROOT = Path(__file__).resolve().parent.parent
POLL_S = 0.1


@dataclass(frozen=True)
class Request:
    """What a user asks for."""

    config_path: Path
    reports: Path
    selection: Selection = Selection()
    profile: Profile = "standard"
    release: str = ""
    seed: int = 1
    jobs: int = 0
    schedule: Path | None = None
    aloud: bool = False
    told_config: str = ""

    """`schedule` is a drill's saved one, to be played again; `aloud` tells of each fault as it comes; `told_config` is
    signoff.toml as the user wrote it."""


def run(request: Request, progress: Progress) -> Signoff:
    """Play all selected gates and leave a sealed bundle. ConfigError, LabError before anything is played."""
    began, started = time.monotonic(), time.time()
    config = load(request.config_path)
    expected = load_expected(ROOT / "gates")
    subject = see_subject(config)
    setup = prepare(config)
    lab = asyncio.run(preflight(setup))
    bundle = Bundle.create(request.reports, seed=request.seed)
    setup_s = time.monotonic() - began
    progress.line(f"run {bundle.run_id}: {told_lab(lab)}")
    interrupted = _gates(request, bundle, progress)
    if setup.components is not None and setup.components.contained:
        engine.sweep("run", bundle.run_id)  # what a worker that was killed left, should its reaper be gone too
    signoff = conclude(
        bundle, config, expected, request, lab, subject, interrupted=interrupted, started=started, setup_s=setup_s,
        run_s=time.monotonic() - began - setup_s,
    )  # fmt: skip
    bundle.link_latest()
    process.kill_orphans()  # what a worker that was killed left to us
    return signoff


def prepare(config: Config) -> Setup:
    """Servers and module, ready to start."""
    lab = config.lab
    wasm = (config.folder / config.module.wasm).read_bytes()
    if lab.provider == "remote":
        return Setup(config, None, wasm)
    choice = providers.LabChoice(
        lab.provider, lab.spacetimedb, lab.toxiproxy, lab.spacetimedb_image, lab.toxiproxy_image
    )
    return Setup(config, providers.prepare(choice), wasm)


async def preflight(setup: Setup) -> LabSeen:
    """One lab up and down: the servers are what they should be, and run the module that was published. The remote
    server, if there is one, is looked at too."""
    remote = await _look_at_remote(setup.config)
    if setup.components is None:
        return see_lab(setup.config, None, remote)
    with tempfile.TemporaryDirectory(prefix=WORK_PREFIX) as work:
        async with setup.new_lab(Path(work), Path(work) / "logs") as lab:
            check_tables(setup.config, await lab.http.schema(lab.database))
            return see_lab(setup.config, lab, remote)


async def _look_at_remote(config: Config) -> RemoteSeen | None:
    if config.lab.remote is None:
        return None
    remote = Remote(config.lab.remote)
    try:
        check_tables(config, await remote.open())
        return await see_remote(remote)
    except WireError as error:
        raise LabError(f"the remote server cannot be looked at: {error}") from error
    finally:
        await remote.close()


def told_lab(lab: LabSeen) -> str:
    """The lab in one line."""
    own = f"SpacetimeDB {lab.server.version} ({lab.provider})" if lab.server is not None else ""
    module = f"module {lab.module.wasm_sha256[:12]}" if lab.module is not None else ""
    there = f"a remote SpacetimeDB {lab.remote.version}" if lab.remote is not None else ""
    return ", ".join(filter(None, (own, module, there)))


def _gates(request: Request, bundle: Bundle, progress: Progress) -> bool:
    """Run the gates under pytest, telling of each as it ends; whether we were interrupted."""
    log = bundle.folder / "ci" / "pytest.log"
    bundle.write("ci/pytest.log", b"")
    argv = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "harness.pytest_plugin",
        "-p",
        "no:cacheprovider",
        str(ROOT / "gates"),
        str(ROOT / "chaos"),
        str(ROOT / "guards"),
    ]
    argv += ["--rootdir", str(ROOT), "-c", str(ROOT / "pyproject.toml"), "-q", "--tb=short", "--max-worker-restart=0"]
    argv += [
        "-n",
        str(_jobs(request)),
        "--dist=load",
        "--maxschedchunk=1",
        f"--signoff-bundle={bundle.folder}",
        f"--signoff-config={request.config_path}",
    ]
    argv += [f"--signoff-seed={request.seed}", f"--signoff-profile={request.profile}"]
    argv += [f"--signoff-told-config={_told_config(request)}"]
    argv += [f"--signoff-schedule={request.schedule}"] if request.schedule is not None else []
    argv += [f"--signoff-only={name}" for name in request.selection.only]
    argv += [f"--signoff-skip={name}" for name in request.selection.skip]
    child = process.Background(argv, log=log, cwd=ROOT, run=bundle.run_id)
    shown, interrupted, followed = 0, False, Followed()
    while True:
        try:
            ended = child.wait(POLL_S)
            events = bundle.events()
            for event in events[shown:]:
                if event.event == "finished":
                    _tell(event, request, bundle, progress)
            shown = len(events)
            if request.aloud:
                for line in followed.news(bundle, events):
                    progress.line(line)
            progress.running(_running(events))
            if ended is not None:
                return interrupted
        except KeyboardInterrupt:
            interrupted = True
            progress.line("interrupted: stopping the gates, keeping what was recorded")
            child.interrupt()


def _tell(event: RunEvent, request: Request, bundle: Bundle, progress: Progress) -> None:
    """One line for a gate that ended; for one that did not pass, how to play it again and where to look."""
    name = event.gate if event.seed is None else f"{event.gate} seed {event.seed}"
    progress.line(f"{event.verdict:8}{name:32}{event.duration_s:6.1f} s  {event.summary}".rstrip())
    if event.verdict != Verdict.PASS.value:
        place = os.path.relpath(bundle.folder_of(event.play))
        progress.line(f"        repeat: {repeat_play(request, event.play)}   see {place}")


def repeat_command(request: Request) -> str:
    """What plays the same run again, from the folder where the user stands."""
    config = shlex.quote(_told_config(request))
    return f"signoff run --config {config} --seed {request.seed} --profile {request.profile}"


def repeat_play(request: Request, play: Play) -> str:
    """What plays one gate or one drill again."""
    if play.seed is None:
        return f"{repeat_command(request)} --only {play.gate}"
    config = shlex.quote(_told_config(request))
    return f"signoff drill {play.gate} --config {config} --seed {play.seed} --profile {request.profile}"


def _told_config(request: Request) -> str:
    return request.told_config or os.path.relpath(request.config_path)


def _jobs(request: Request) -> int:
    return request.jobs or min(4, psutil.cpu_count() or 1)


def _running(events: list[RunEvent]) -> list[str]:
    finished = {event.play for event in events if event.event == "finished"}
    return [event.play.scenario for event in events if event.event == "started" and event.play not in finished]


def conclude(
    bundle: Bundle,
    config: Config,
    expected: Expected,
    request: Request,
    lab: LabSeen | None,
    before: SubjectSeen,
    *,
    interrupted: bool,
    started: float,
    setup_s: float,
    run_s: float,
) -> Signoff:
    """From the run's own record to signoff.json and what is rendered from it, sealed."""
    plan = bundle.plan()
    played = _played(bundle, plan)
    groundless = {spec.id: spec.groundless for spec in expected.manifest if not spec.grounded(grounds_of(config))}
    gates = tuple(_gate_results(played, bundle.events(), expected, plan, request.selection, groundless))
    subject = changed_since(before, see_subject(config))
    changed = bool(subject.changed)
    signoff = Signoff(
        schema_version=SCHEMA_VERSION,
        run_id=bundle.run_id,
        started_at=_utc(started),
        finished_at=_utc(time.time()),
        release=request.release,
        profile=request.profile,
        seed=request.seed,
        verdict=overall(gates, profile=request.profile, selection=request.selection, pinned=subject.is_pinned),
        exit_code=int(exit_code(gates, expected, request.selection, lab, interrupted=interrupted, changed=changed)),
        selection=request.selection,
        subject=subject,
        lab=lab,
        gates=gates,
        requirements=requirements_of(expected, gates),
        invariants_map=invariants_of(gates),
        evidence_classes=classes_of(gates),
        drills=tuple(played[play] for play in sorted(played, key=lambda p: p.scenario) if play.seed is not None),
        not_established=NOT_ESTABLISHED,
        exceptions=exceptions_in((*gates, *played.values())),
        interrupted=interrupted,
        repeat=repeat_command(request),
        setup_s=round(setup_s, 2),
        run_s=round(run_s, 2),
    )
    bundle.write("subject/environment.json", pretty(see_environment()))
    bundle.write("subject/signoff.toml", config.path.read_bytes())
    bundle.write("signoff.json", pretty(signoff))
    for name, data in render.all_of(signoff):
        bundle.write(name, data)
    bundle.seal()
    return signoff


def _played(bundle: Bundle, plan: Plan | None) -> dict[Play, GateResult]:
    """The results of what was planned, and started and finished once each: nothing else is believed."""
    events = bundle.events()
    found = {}
    for play in _planned(plan):
        starts = sum(e.play == play and e.event == "started" for e in events)
        ends = sum(e.play == play and e.event == "finished" for e in events)
        result = bundle.result(play) if starts == ends == 1 else None
        if result is not None:
            found[play] = result
    return found


def _planned(plan: Plan | None) -> list[Play]:
    return [play for spec in plan.gates for play in plays_of(spec, plan.profile, plan.seed)] if plan is not None else []


def _gate_results(
    played: dict[Play, GateResult],
    events: list[RunEvent],
    expected: Expected,
    plan: Plan | None,
    selection: Selection,
    groundless: Mapping[str, str],
) -> list[GateResult]:
    """Every gate of the matrix: its result, or why there is none."""
    planned: dict[str, list[Play]] = {}
    for play in _planned(plan):
        planned.setdefault(play.gate, []).append(play)
    built = sorted(set(planned) & set(expected.not_built))
    if built:
        raise EvidenceError(f"not_built.toml names gates that exist: {built}", hint="take them out of the list")
    results = []
    for gate in expected.gates:
        plays = planned.get(gate, [])
        own = [played[play] for play in plays if play in played]
        if gate in expected.not_built:
            results.append(missing(gate, expected, f"not built yet: {expected.not_built[gate]}"))
        elif not selection.takes(gate):
            results.append(missing(gate, expected, "not selected"))
        elif gate in groundless:
            results.append(missing(gate, expected, groundless[gate]))
        elif plan is None:
            results.append(missing(gate, expected, "nothing was planned: see ci/pytest.log"))
        elif not plays:
            results.append(missing(gate, expected, "no test declares this gate: renamed, or not collected"))
        elif plays[0].seed is not None:
            results.append(merge_plays(gate, own, plays, expected))
        elif own:
            results.append(own[0])
        else:
            counted = [sum(e.gate == gate and e.event == kind for e in events) for kind in ("started", "finished")]
            why = f"started {counted[0]} times, finished {counted[1]} times: skipped, or its worker died"
            results.append(missing(gate, expected, why))
    return results


def _utc(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
