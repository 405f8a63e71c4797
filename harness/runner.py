"""A run, from signoff.toml to a sealed bundle: the whole story on one screen.

    config -> lab (servers ready, module read back) -> gates, each on its own scenario -> known bugs -> record
           -> verdicts -> bundle

The gates run under pytest in a child process, perhaps in several workers; what they leave in the bundle
is the only thing that is believed: a gate that was planned and has not been started and finished
once each is MISSING, whatever a test runner says.

    outcome = run(Request(config_path, reports=Path("reports")), progress)
    outcome.exit_code
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from pathlib import Path

from harness import process, variants
from harness.conclusion import conclude
from harness.config import Config
from harness.errors import LabError, WireError
from harness.evidence.bundle import Bundle, RunEvent
from harness.evidence.known_bad import due
from harness.evidence.requirements import load as load_expected
from harness.evidence.signoff import LabSeen, RemoteSeen, Signoff
from harness.follow import Followed
from harness.host import ROOT, Session, start
from harness.lab import engine, providers
from harness.lab.remote import Remote
from harness.loading import load
from harness.process import WORK_PREFIX
from harness.progress import Progress
from harness.request import Request, repeat_play
from harness.setup import Setup
from harness.subject import check_tables, see_lab, see_remote, see_subject
from harness.verdict import Verdict

POLL_S = 0.1


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
    if config.plays_alone:
        progress.line("a part of the subject runs already: the gates are played one after the other")
    interrupted = _gates(request, bundle, progress, workers=1 if config.plays_alone else request.workers)
    known_bad = due(expected.defects, bundle.plan(), bundle.believed().values())
    if known_bad and not interrupted:
        interrupted = variants.play(known_bad, bundle, variants.Asked(config.path, request.workers), progress)
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
    lab, module = config.lab, config.module
    if lab.provider == "remote" or module.wasm is None:
        return Setup(config, None, b"")
    choice = providers.LabChoice(
        lab.provider, lab.spacetimedb, lab.toxiproxy, lab.spacetimedb_image, lab.toxiproxy_image
    )
    return Setup(config, providers.prepare(choice), (config.folder / module.wasm).read_bytes())


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


def _gates(request: Request, bundle: Bundle, progress: Progress, *, workers: int) -> bool:
    """Run the gates under pytest, telling of each as it ends; whether we were interrupted."""
    child = start(
        Session(
            bundle,
            request.config_path,
            request.selection,
            request.profile,
            request.seed,
            workers,
            request.told,
            request.schedule,
        ),
        run=bundle.run_id,
    )
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


def _running(events: list[RunEvent]) -> list[str]:
    finished = {event.play for event in events if event.event == "finished"}
    return [event.play.scenario for event in events if event.event == "started" and event.play not in finished]
