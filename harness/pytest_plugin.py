"""pytest as the host of gates: collects them, writes the plan, and hands each to the runner's player.

Works under `signoff run`, which gives a bundle, and under plain `pytest gates`, which makes one of its own:
the same lab, the same evidence, but never GO. The verdict of a run is computed from the bundle, not from here.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from harness.conclusion import conclude
from harness.config import Config
from harness.evidence.bundle import Bundle, pretty
from harness.evidence.judgement import GateSpec, Ground
from harness.evidence.requirements import load as load_expected
from harness.evidence.signoff import Plan, Play, Profile, Selection, SubjectSeen, plays_of
from harness.gate import Gate
from harness.host import ROOT
from harness.loading import load
from harness.request import Request, repeat_play
from harness.runner import preflight, prepare
from harness.setup import Chosen, Setup
from harness.subject import grounds_of, see_subject
from harness.verdict import Verdict

BUNDLE_VARIABLE = "SIGNOFF_BUNDLE"
AFTER_LIMIT_S = 120  # for sabotages, the end of the lab and the judgement
_setup = pytest.StashKey[Setup]()
_grounds = pytest.StashKey[tuple[Ground, ...]]()
_own = pytest.StashKey[tuple[float, SubjectSeen]]()  # when we began, and the subject then


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("signoff")
    group.addoption("--signoff-bundle", help="the run folder to write into (default: a new one under reports/)")
    group.addoption("--signoff-config", help="the subject's signoff.toml")
    group.addoption("--signoff-seed", type=int, default=1)
    group.addoption("--signoff-profile", default="smoke")
    group.addoption("--signoff-told-config", default="", help="signoff.toml as the user wrote it")
    group.addoption("--signoff-only", action="append", default=[], help="a gate id, or a prefix ending in /")
    group.addoption("--signoff-schedule", help="a drill's saved schedule, to be played again")
    group.addoption("--signoff-lab-of", help="another signoff.toml, whose [lab] holds instead")
    group.addoption("--signoff-repeat", default="", help="what plays this again, where that is no run")
    group.addoption("--signoff-skip", action="append", default=[])
    parser.addini("signoff_config", "the subject that plain pytest judges", default="signoff.toml")


def _is_worker(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")


def pytest_configure(config: pytest.Config) -> None:
    given = config.getoption("--signoff-bundle")
    if given or _is_worker(config) or config.option.collectonly:
        return
    if BUNDLE_VARIABLE not in os.environ:
        config.stash[_own] = time.time(), see_subject(load(_request(config).config_path))
        os.environ[BUNDLE_VARIABLE] = str(
            Bundle.create(ROOT / "reports", seed=config.getoption("--signoff-seed")).folder
        )


def _bundle(config: pytest.Config) -> Bundle:
    return Bundle(Path(config.getoption("--signoff-bundle") or os.environ[BUNDLE_VARIABLE]))


def _request(config: pytest.Config) -> Request:
    named = config.getoption("--signoff-config")
    path = Path(named) if named else ROOT / config.getini("signoff_config")
    return Request(
        config_path=path,
        reports=ROOT / "reports",
        selection=Selection(tuple(config.getoption("--signoff-only")), tuple(config.getoption("--signoff-skip"))),
        profile=cast(Profile, config.getoption("--signoff-profile")),
        seed=config.getoption("--signoff-seed"),
        told_config=config.getoption("--signoff-told-config"),
    )


def _loaded(config: pytest.Config) -> Config:
    """The subject's signoff.toml, perhaps with the servers of another."""
    loaded, lab_of = load(_request(config).config_path), config.getoption("--signoff-lab-of")
    return loaded.on_lab_of(load(Path(lab_of))) if lab_of else loaded


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A drill is collected once for each seed of the profile."""
    gate = getattr(metafunc.function, "gate", None)
    if isinstance(gate, Gate) and gate.drill:
        request = _request(metafunc.config)
        metafunc.parametrize("seed", [play.seed for play in plays_of(gate.spec(), request.profile, request.seed)])


def gate_of(item: pytest.Item) -> Gate | None:
    """The gate that a test declares."""
    found = getattr(getattr(item, "obj", None), "gate", None)
    return found if isinstance(found, Gate) else None


def _spec_of(config: pytest.Config, gate: Gate) -> GateSpec | None:
    """The gate as it is to be played; None for one that was not selected, or that this lane cannot play."""
    request = _request(config)
    if _grounds not in config.stash:
        config.stash[_grounds] = grounds_of(_loaded(config))
    grounds = config.stash[_grounds]
    return gate.spec().grounded(grounds) if request.selection.takes(gate.id) else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    gates = [gate for item in items if (gate := gate_of(item)) is not None]
    distinct = {id(gate): gate for gate in gates}.values()
    doubled = {gate.id for gate in distinct if sum(other.id == gate.id for other in distinct) > 1}
    if doubled:
        raise pytest.UsageError(f"gates declared twice: {sorted(doubled)}")
    known = set(load_expected(ROOT / "gates").gates) if gates else set()
    dropped = [item for item in items if (g := gate_of(item)) and (g.id not in known or _spec_of(config, g) is None)]
    for item in dropped:
        gate = gate_of(item)
        if gate is not None and gate.id not in known:
            config.issue_config_time_warning(
                UserWarning(f"gate {gate.id!r} is named by no clause of gates/requirements.toml: not run"), stacklevel=1
            )
    if dropped:
        config.hook.pytest_deselected(items=dropped)
        items[:] = [item for item in items if item not in dropped]
    for item in items:
        gate = gate_of(item)
        if gate is not None:  # its own limit decides, and judges what was recorded; pytest's is for what hangs beyond
            item.add_marker(pytest.mark.timeout(gate.timeout_s + AFTER_LIMIT_S))
    # The gates that may take longest go first, so that no worker is left alone with one at the end.
    items.sort(key=_patience, reverse=True)


def _patience(item: pytest.Item) -> int:
    gate = gate_of(item)
    return gate.timeout_s if gate is not None else 0


def pytest_collection_finish(session: pytest.Session) -> None:
    """The plan is written from the collection, before anything runs."""
    config = session.config
    found = {gate.id: _spec_of(config, gate) for item in session.items if (gate := gate_of(item)) is not None}
    specs = tuple(spec for spec in found.values() if spec is not None)
    if not specs or config.option.collectonly:
        return
    if not _is_worker(config) and config.getoption("numprocesses", None):
        return  # the controller of xdist collects nothing itself
    request, bundle = _request(config), _bundle(config)
    plan = Plan(bundle.run_id, request.profile, request.seed, request.selection, specs)
    bundle.write_once("plan.json", pretty(plan))


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    gate = gate_of(pyfuncitem)
    if gate is None:
        return None
    from harness.play import play_gate

    config = pyfuncitem.config
    request = _request(config)
    if _setup not in config.stash:
        config.stash[_setup] = prepare(_loaded(config))
    expected = load_expected(ROOT / "gates")
    given = config.getoption("--signoff-schedule")
    callspec = getattr(pyfuncitem, "callspec", None)
    seed = callspec.params["seed"] if callspec is not None else request.seed
    chosen = Chosen(seed, request.profile, Path(given).read_bytes() if given else b"")
    repeat = config.getoption("--signoff-repeat") or repeat_play(request, Play(gate.id, seed if gate.drill else None))
    result = play_gate(
        gate,
        config.stash[_setup],
        _bundle(config),
        chosen,
        clauses=expected.clauses_of(gate.id),
        repeat=repeat,
    )
    if result.verdict is not Verdict.PASS:
        reasons = "\n  ".join(result.reasons[:10])
        pytest.fail(f"{result.verdict.value} {gate.id}\n  {reasons}\nrepeat: {repeat}", pytrace=False)
    return True


@pytest.hookimpl(wrapper=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> Iterator[None]:
    """Plain pytest: conclude the bundle that it made. Under `signoff run` the runner does."""
    yield
    config = session.config
    if _own not in config.stash:
        return
    folder = os.environ.pop(BUNDLE_VARIABLE)
    if not (Path(folder) / "record.jsonl").is_file():
        return
    import asyncio

    request = _request(config)
    loaded = _loaded(config)
    bundle = Bundle(Path(folder))
    started, before = config.stash[_own]
    conclude(
        bundle,
        loaded,
        load_expected(ROOT / "gates"),
        request,
        asyncio.run(preflight(prepare(loaded))),
        before,
        interrupted=False,
        started=started,
        setup_s=0.0,
        run_s=time.time() - started,
    )
    bundle.link_latest()
