"""What each command does, once its words are parsed. Returns exit codes; raises SignoffError for the rest."""

from __future__ import annotations

import asyncio
import os
import shlex
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import cast, get_args

from harness import draft, process, reach, runner, variants
from harness.errors import LabError, SignoffError, UserError
from harness.evidence import known_bad, render
from harness.evidence.bundle import Bundle, pretty
from harness.evidence.requirements import load as load_expected
from harness.evidence.signoff import GateResult, Profile, Selection, Signoff, may_be_missing
from harness.evidence.verify import verify
from harness.host import ROOT
from harness.lab import engine, prerequisites, providers
from harness.lab.components import cache_root
from harness.loading import FILE_NAME, load
from harness.process import WORK_PREFIX
from harness.progress import for_stream
from harness.request import Request
from harness.setup import Setup
from harness.survey.found import PARTS
from harness.verdict import Exit, Verdict

STOP_TIMEOUT_S = 20


def run_command(
    config: Path,
    only: list[str],
    skip: list[str],
    *,
    seed: int,
    jobs: int,
    profile: str,
    release: str,
    out: Path,
    as_json: bool,
    quiet: bool,
) -> int:
    selection = Selection(tuple(only), tuple(skip))
    _check_names(selection)
    request = Request(config, out.resolve(), selection, checked_profile(profile), release, seed, jobs)
    if jobs < 0:
        raise UserError(f"--jobs is {jobs}, expected 0 (as many as cores) or more")
    signals_are_interrupts()
    with for_stream(sys.stdout, silent=as_json or quiet) as progress:
        signoff = runner.run(request, progress)
    if as_json:
        sys.stdout.buffer.write(pretty(signoff))
    else:
        if not quiet:
            for gate in _unexpectedly_missing(signoff):
                _show(f"MISSING {gate.id:32}          {gate.reasons[0] if gate.reasons else ''}")
            _show(render.where_the_time_went(signoff))
            _show(f"see {_short(out / 'latest' / 'SIGNOFF.md')}")
        _show(render.last_line(signoff, _short(out / "runs" / signoff.run_id)))
    return signoff.exit_code


def checked_profile(name: str) -> Profile:
    """UserError names those there are."""
    if name not in get_args(Profile):
        raise UserError(f"unknown profile {name!r}", hint=f"one of {', '.join(get_args(Profile))}")
    return cast(Profile, name)


def _unexpectedly_missing(signoff: Signoff) -> list[GateResult]:
    """Gates that are built, were selected and have their ground, and have no result all the same."""
    expected = load_expected(ROOT / "gates")
    return [
        gate
        for gate in signoff.gates
        if gate.verdict is Verdict.MISSING
        and signoff.selection.takes(gate.id)
        and not may_be_missing(gate, expected, signoff.lab)
    ]


def _check_names(selection: Selection) -> None:
    import difflib

    known = load_expected(ROOT / "gates").gates
    for name in (*selection.only, *selection.skip):
        if not any(Selection(only=(name,)).takes(gate) for gate in known):
            guess = difflib.get_close_matches(name, known, n=1)
            raise UserError(
                f"no gate is called {name!r}", hint=f"did you mean {guess[0]!r}?" if guess else "see 'signoff list'"
            )


def _show(text: str) -> None:
    print(text, flush=True)


def _short(path: Path) -> str:
    return os.path.relpath(path.resolve()) if path.exists() else str(path)


def list_command() -> None:
    expected = load_expected(ROOT / "gates")
    for gate in expected.gates:
        why = expected.not_built.get(gate)
        _show(
            f"{'not built' if why else 'built':10}{gate:42}{', '.join(expected.of_gate(gate))}"
            f"{f'  ({why})' if why else ''}"
        )


def verify_command(directory: Path) -> int:
    """0 is kept for a signed bundle; an unsigned one that is whole is "integrity only" (3)."""
    report = verify(directory, load_expected(ROOT / "gates"))
    for problem in report.problems:
        print(f"REFUSED {problem}", file=sys.stderr)
    if report.problems or report.signoff is None:
        print(f"signoff: the bundle is not what it says: {len(report.problems)} problems", file=sys.stderr)
        return Exit.EVIDENCE
    _show(f"{report.judged} gates judged again from their histories, with the same verdicts; every file is as sealed")
    _show(render.last_line(report.signoff, _short(directory)))
    _show("integrity only: the bundle carries no signature")
    return Exit.UNDECIDED


def report_command(directory: Path) -> int:
    _show(render.signoff_md(Bundle(directory).read("signoff.json", Signoff)))
    return Exit.OK


def install_command() -> int:
    components = providers.prepare(providers.LabChoice())
    for component in (components.spacetimedb, components.toxiproxy):
        _show(f"{component.name} {component.version}  sha256 {component.sha256[:16]}  {component.path}")
    return Exit.OK


def mutants_command(given: Path | None, only: list[str], out: Path) -> int:
    """Each defect variant after its green twin, of the reference subject unless another signoff.toml of it is given.
    Exit 0: all caught; 1: one survived; 3: no result for one."""
    config_path = given or variants.REFERENCE
    known = load_expected(ROOT / "gates").defects
    unknown = [name for name in only if name not in {defect.id for defect in known}]
    if unknown:
        there = ", ".join(defect.id for defect in known)
        raise UserError(f"no defect is called {', '.join(unknown)}", hint=f"there are {there}")
    found = [defect for defect in known if not only or defect.id in only]
    load(config_path)  # told before anything is played
    bundle = Bundle.create(out.resolve(), seed=known_bad.SEED)
    request = Request(config_path, out)
    signals_are_interrupts()
    with for_stream(sys.stdout) as progress:
        interrupted = variants.play(
            found, bundle, variants.Asked(config_path, request.workers, reference=config_path), progress
        )
    process.kill_orphans()
    bundle.link_latest()
    caught = [outcome.caught for outcome in known_bad.outcomes_of(bundle, found)]
    _show(f"{caught.count('CAUGHT')} of {len(caught)} defects caught; see {_short(out / 'latest' / 'known-bad')}")
    if interrupted:
        return Exit.INTERRUPTED
    if "SURVIVED" in caught:
        return Exit.GATE_FAILED
    return Exit.UNDECIDED if "NO RESULT" in caught else Exit.OK


def doctor_command(config_path: Path) -> int:
    """Each step with its result; the first that fails decides the exit code."""
    code: int = Exit.OK

    def step(name: str, work):  # type: ignore[no-untyped-def]
        nonlocal code
        start = time.monotonic()
        try:
            result = work()
        except SignoffError as error:
            _show(f"FAILED  {name}: {error}")
            code = code or error.exit_code
            return None
        _show(f"ok      {name} ({time.monotonic() - start:.2f} s){f': {result}' if isinstance(result, str) else ''}")
        return result

    step("prerequisites for building the servers", lambda: prerequisites.check(need_rust=True, need_go=True))
    step(f"cache {cache_root()}", lambda: _writable(cache_root()))
    config = step(f"configuration {config_path}", lambda: load(config_path))
    _show(_engine_seen())
    if config is not None:
        setup = step("servers", lambda: runner.prepare(config))
        if setup is not None:
            own = config.lab.provider != "remote"
            what = "lab up, module published and read back, lab down" if own else "remote server and its module"
            step(what, lambda: runner.told_lab(asyncio.run(runner.preflight(setup))))
    return code


def _engine_seen() -> str:
    """No failed step: only provider `docker` needs an engine, and then the step "servers" fails."""
    try:
        return f"present docker engine {engine.ready().version}"
    except LabError as error:
        return f"absent  docker engine, so that provider 'docker' and its lane cannot run: {error}"


def init_command(folder: Path, out: Path, *, force: bool) -> int:
    """Say what was found for each part, and what to do next."""
    found = draft.write(folder, out, force=force)
    _show(f"module    {found.wasm or (found.modules[0].folder if found.modules else 'not found')}")
    for name in PARTS:
        program = found.part(name)
        guess = ": a guess, the one program that has no part" if program is not None and program.part is None else ""
        _show(f"{name:10}{f'{program.name} (from {program.source}){guess}' if program is not None else 'not found'}")
    for problem in found.unread:
        _show(f"not read  {problem}")
    config = "" if out.resolve() == folder.resolve() / FILE_NAME else f" --config {shlex.quote(str(out))}"
    _show(f'wrote {out}: fill in each "?" and look through the rest, then: signoff doctor --subject{config}')
    return Exit.OK


def reach_command(config_path: Path) -> int:
    """Each step as it ends. Exit 0: all was reached that signoff.toml describes."""
    setup = runner.prepare(load(config_path))
    signals_are_interrupts()
    with tempfile.TemporaryDirectory(prefix=WORK_PREFIX) as out:
        told = asyncio.run(reach.reach(setup, Path(out), lambda outcome: _show("\n".join(outcome.lines()))))
    process.kill_orphans()  # what a part of the subject left to us
    return reach.exit_code(told)


def _writable(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise LabError(f"cannot be written: {error.strerror}", where=str(folder), hint="set XDG_CACHE_HOME") from error


def _pid_file() -> Path:
    return Path(tempfile.gettempdir()) / f"signoff-lab-{os.getuid()}.pid"


def signals_are_interrupts() -> None:
    """A cancelled job of CI is stopped and sealed like one that was stopped with Ctrl-C. A shell starts what it runs in
    the background with SIGINT ignored, and so would be all that we start."""

    def interrupt(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, interrupt)


def up_command(config_path: Path) -> int:
    """Stays in the foreground; the pid file is what `lab down` reads."""
    setup = runner.prepare(load(config_path))
    signals_are_interrupts()
    try:
        asyncio.run(_stay_up(setup))
    except KeyboardInterrupt:
        _show("lab down")
    finally:
        _pid_file().unlink(missing_ok=True)
    return Exit.OK


async def _stay_up(setup: Setup) -> None:
    with tempfile.TemporaryDirectory(prefix=WORK_PREFIX) as work:
        async with setup.new_lab(Path(work), Path(work) / "logs") as lab:
            path = await lab.path("subject")
            _pid_file().write_text(str(os.getpid()))
            _show(f"server for the subject (through Toxiproxy): {path.url}")
            _show(f"server for a witness (past Toxiproxy):      {lab.witness_relay.url}")
            _show(f"database {lab.database}, program {lab.program[:16]}")
            _show(f"owner's token: {lab.owner.token}")
            _show("Ctrl-C or 'signoff lab down' ends it")
            await asyncio.Event().wait()


def down_command() -> int:
    path = _pid_file()
    try:
        pid = int(path.read_text())
        os.kill(pid, signal.SIGTERM)
    except (FileNotFoundError, ProcessLookupError, ValueError):
        path.unlink(missing_ok=True)
        _show("no lab is up")
        return Exit.OK
    limit = time.monotonic() + STOP_TIMEOUT_S
    while path.exists() and time.monotonic() < limit:
        time.sleep(0.05)
    if path.exists():
        raise UserError(f"the lab (pid {pid}) did not end within {STOP_TIMEOUT_S} s")
    _show("lab down")
    return Exit.OK
