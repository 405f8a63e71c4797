"""The story of a scan: list the tree, look at every file, follow constants between files, prove by canaries that
the engine can see, classify, and decide.

    report = scan(Request([Path(".")], GuardsConfig(), load(RULES)))
    report.verdict("legacy-symbols")
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from guards import canaries
from guards.cache import Cache, Entry, key_of
from guards.classes import classify
from guards.config import GuardsConfig
from guards.constants import Share, exporters, importers, merged, shares
from guards.hits import CanaryResult, Hit, Report, by_id, shown
from guards.rule import RULES, Rule, load
from guards.scanner import Batch, Scanner, Seen, crashed
from guards.sighting import Sighting
from guards.sources.values import Values
from guards.tree import Listing, Skipped, list_tree
from harness.workers import WorkerDied, shared_out

FILES_A_BATCH = 250
FILES_FOR_WORKERS = 400  # fewer are done sooner than workers are started
MAX_JOBS = 4
MAX_RENAMES = 4  # of a constant on its way from file to file
MAX_SECOND_LOOKS = 2_000  # files that name constants of others; beyond it the tree is no clean tree anyway

Told = Callable[[int, int], None]  # (files done, of how many)


@dataclass(frozen=True)
class Request:
    """What to scan and how. `root` is what names are relative to, `cache` a folder; None for none of its own."""

    paths: Sequence[Path]
    config: GuardsConfig
    rules: tuple[Rule, ...]
    cache: Path | None = None
    jobs: int = 0
    root: Path | None = None
    semgrep: bool = False


@dataclass
class _Found:
    visited: int = 0
    bytes: int = 0
    from_cache: int = 0
    seen: dict[str, Seen] = field(default_factory=dict)
    skipped: list[Skipped] = field(default_factory=list)
    canaries: list[CanaryResult] = field(default_factory=list)
    problems: list[tuple[str, str]] = field(default_factory=list)
    engines: tuple[str, ...] = ("ast-grep", "libcst", "text")
    spotted: list[tuple[Seen, Sighting]] = field(default_factory=list)  # by semgrep alone


def scan(request: Request, told: Told = lambda done, of: None) -> Report:
    """The report of a tree. Raises UserError for paths that do not exist; all that happens after is in the report."""
    began = time.monotonic()
    listing = list_tree(request.paths, request.root)
    cache = Cache.open(request.cache, key_of(request.rules))
    found = _Found(skipped=listing.skipped)
    jobs = request.jobs or min(MAX_JOBS, os.cpu_count() or 1)
    try:
        _look(request, listing, cache, jobs, found, told)
    except WorkerDied as error:
        found.problems.append(("", f"a worker of the scan died, so files were not seen: {error}"))
    found.skipped += [
        Skipped(one.path, "not parsed whole", one.look.problem)
        for one in found.seen.values()
        if one.look and one.look.problem
    ]
    if request.semgrep:
        _second(request, listing, jobs, found)
    _expectations(request, listing, found)
    return Report(
        root=str(listing.root),
        prefix=listing.prefix,
        visited=found.visited,
        bytes=found.bytes,
        from_cache=found.from_cache,
        hits=tuple(sorted(_hits(request, found), key=lambda hit: (hit.path, hit.line, hit.column, hit.rule))),
        skipped=tuple(sorted((shown(one) for one in found.skipped), key=lambda one: (one.path, one.reason))),
        canaries=tuple(found.canaries),
        problems=tuple(found.problems),
        notes=(cache.trouble,) if cache.trouble else (),
        engines=found.engines,
        took_s=round(time.monotonic() - began, 3),
        git=listing.git,
        rules=len(request.rules),
    )


@dataclass(frozen=True)
class _Task:
    """What a worker does in one go: some files, or some canaries, or files asked for names."""

    files: tuple[str, ...] = ()
    canaries: tuple[str, ...] = ()
    names: tuple[str, ...] = ()


@dataclass
class _Done:
    batch: Batch = field(default_factory=Batch)
    canaries: list[CanaryResult] = field(default_factory=list)
    mentions: list[tuple[str, frozenset[str]]] = field(default_factory=list)


class _Work:
    """The same in every worker. Canaries know our own rules only: another's may well hit a file that is good for us."""

    def __init__(self, scanner: Scanner) -> None:
        self._scanner, self._ours = scanner, load(RULES)

    def __call__(self, task: _Task) -> _Done:
        if task.canaries:
            return _Done(canaries=canaries.check(self._ours, task.canaries))
        if task.names:
            return _Done(mentions=self._scanner.mentions(task.names, task.files))
        return _Done(self._scanner.scan(task.files))


def _look(request: Request, listing: Listing, cache: Cache, jobs: int, found: _Found, told: Told) -> None:
    scanner = Scanner(request.rules, cache, listing.root)
    work = _Work(scanner)
    if len(listing.files) < FILES_FOR_WORKERS:
        jobs = 1
    names = canaries.names()
    half = len(names) // 2
    tasks = [_Task(canaries=tuple(names[:half])), _Task(canaries=tuple(names[half:]))]
    tasks += [_Task(files=tuple(files)) for files in _batches(listing.files)]
    new: dict[bytes, Entry] = {}
    for done in shared_out(work, tasks, jobs):
        found.canaries += done.canaries
        found.visited += done.batch.visited
        found.bytes += done.batch.size_bytes
        found.from_cache += done.batch.from_cache
        found.skipped += done.batch.skipped
        found.seen |= {one.path: one for one in done.batch.seen}
        new |= done.batch.new
        told(found.visited, len(listing.files))
    _follow(work, scanner, listing, jobs, found)
    cache.add(new | scanner.new)


def _follow(work: _Work, scanner: Scanner, listing: Listing, jobs: int, found: _Found) -> None:
    """Constants that one file defines and another uses."""
    looks = (_again(scanner, path, {}, found) for path in exporters(list(found.seen.values())))
    found.seen = merged(found.seen, (one for one in looks if one is not None))
    followed: set[Share] = set()
    for _ in range(MAX_RENAMES):
        offered = shares(found.seen.values())
        if followed.issuperset(offered):
            return
        followed.update(offered)
        names = tuple(sorted({share.name for share in offered}))
        tasks = [_Task(files=tuple(files), names=names) for files in _batches(listing.files)]
        mentions = [one for done in shared_out(work, tasks, jobs) for one in done.mentions]
        users = importers(offered, mentions, scanner)
        if len(users) > MAX_SECOND_LOOKS:
            found.problems.append(
                ("", f"{len(users)} files name constants that hold a piece of a symbol: too many to follow")
            )
            return
        looks = (_again(scanner, path, outside, found) for path, outside in users.items())
        found.seen = merged(found.seen, (one for one in looks if one is not None))


def _again(scanner: Scanner, path: str, outside: dict[str, Values], found: _Found) -> Seen | None:
    """A second look at a file; None when it is gone, or nobody can."""
    try:
        return scanner.again(path, outside)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:
        known = {one.path for one in found.skipped}
        found.skipped += [] if path in known else [crashed(path, error)]
        return None


def _second(request: Request, listing: Listing, jobs: int, found: _Found) -> None:
    """The candidates once more, by semgrep. A use of a constant is seen where the constant is made."""
    from guards import semgrep_lane

    seen = {one.path: one for one in found.seen.values() if one.look and one.language in semgrep_lane.LANGUAGES}
    second = semgrep_lane.look([(one.path, one.language) for one in seen.values()], listing.root, request.rules, jobs)
    found.engines += (f"semgrep {second.version}".strip(),)
    found.canaries += second.canaries
    found.problems += [("", problem) for problem in second.problems]
    found.skipped += second.skipped
    for one in second.spotted:
        look = seen[one.path].look
        known = [ours for ours in look.sightings if ours.rule in one.rules] if look else []
        if any(one.line <= ours.line <= one.last for ours in known) or (known and not set(one.text) & set("\"'`")):
            continue
        sighting = Sighting(one.rules[0], one.text, "string", one.line, one.column, "folded", one.text, one.text)
        found.spotted.append((seen[one.path], sighting))


def _batches(files: Sequence[str]) -> Iterator[Sequence[str]]:
    return (files[at : at + FILES_A_BATCH] for at in range(0, len(files), FILES_A_BATCH))


def _expectations(request: Request, listing: Listing, found: _Found) -> None:
    """What must be true for a scan to count."""
    config, problems = request.config, found.problems
    whole = any(path.resolve() == listing.root for path in request.paths)
    if not found.visited:
        problems.append(("", "no file was visited"))
    elif whole and found.visited < config.floor:
        problems.append(("", f"{found.visited} files were visited, the floor is {config.floor}"))
    for path in config.retained if whole else ():
        if not any(_is_retained(file, (path,)) for file in listing.files):
            problems.append(("", f"retained path {path} does not exist: a path that is not there is not clean"))
    excused = set()
    for one in (shown(one) for one in found.skipped if one.undecided):
        globs = [glob for glob in config.unscanned if fnmatchcase(one.path, glob)]
        excused.update(globs)
        if not globs:
            problems.append(("", f"{one.path}: {one.reason}: {one.detail}"))
    if whole:
        useless = [glob for glob in config.unscanned if glob not in excused]
        problems += [("", f"unscanned = {glob!r} excuses nothing any more: delete it") for glob in useless]
    problems += [("", f"canary {one.name}: {one.detail}") for one in found.canaries if not one.right]
    unjudged = 2 * len(canaries.names()) - sum(not one.name.startswith("semgrep/") for one in found.canaries)
    if unjudged:
        problems.append(("", f"{unjudged} canaries were not judged"))


def _hits(request: Request, found: _Found) -> Iterator[Hit]:
    rules, config = by_id(request.rules), request.config
    ours = ((seen, one, "") for seen in found.seen.values() if seen.look for one in seen.look.sightings)
    for seen, one, engine in (*ours, *((seen, one, "semgrep") for seen, one in found.spotted)):
        rule = rules[one.rule]
        cls = classify(one, seen.path, seen.language, seen.start, config.places)
        blocks = (
            cls in config.blocks
            and cls not in rule.allowed_in
            and (not config.retained or _is_retained(seen.path, config.retained))
        )
        hit = Hit(
            rule.guard, rule.id, one.symbol, seen.path, one.line, one.column, cls, one.how, one.source, one.value,
            blocks, engine=engine,
        )  # fmt: skip
        yield shown(hit)


def _is_retained(path: str, retained: Sequence[str]) -> bool:
    return any(path == one or path.startswith(one.rstrip("/") + "/") or fnmatchcase(path, one) for one in retained)
