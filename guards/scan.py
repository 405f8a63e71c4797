"""The story of a scan: list the tree, look at every file, follow constants between files, prove by canaries that
the engine can see, classify, and decide.

    report = scan(Request([Path(".")], GuardsConfig(), load(RULES)))
    report.verdict("legacy-symbols")
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from guards import canaries
from guards.cache import Cache, Entry, key_of
from guards.classes import classify
from guards.config import GuardsConfig
from guards.constants import Share, exporters, importers, merged, shares
from guards.hits import CanaryResult, Hit, Report, by_id
from guards.rule import Rule
from guards.scanner import Batch, Scanner, Seen
from guards.tree import Listing, Skipped, list_tree
from harness.workers import WorkerDied, shared_out

FILES_A_BATCH = 250
FILES_FOR_WORKERS = 400  # fewer are done sooner than workers are started
MAX_JOBS = 4
MAX_RENAMES = 4  # of a constant on its way from file to file
MAX_SECOND_LOOKS = 2_000  # files that name constants of others; beyond it the tree is no clean tree anyway


@dataclass(frozen=True)
class Request:
    """What to scan and how. `cache` is a folder, or None for none."""

    paths: Sequence[Path]
    config: GuardsConfig
    rules: tuple[Rule, ...]
    cache: Path | None = None
    jobs: int = 0
    config_folder: Path | None = None


@dataclass
class _Found:
    visited: int = 0
    bytes: int = 0
    from_cache: int = 0
    seen: dict[str, Seen] = field(default_factory=dict)
    skipped: list[Skipped] = field(default_factory=list)
    canaries: list[CanaryResult] = field(default_factory=list)
    problems: list[tuple[str, str]] = field(default_factory=list)


def scan(request: Request) -> Report:
    """The report of a tree. Raises UserError for paths that do not exist; all that happens after is in the report."""
    began = time.monotonic()
    listing = list_tree(request.paths)
    cache = Cache.open(request.cache, key_of(request.rules))
    found = _Found(skipped=listing.skipped)
    jobs = request.jobs or min(MAX_JOBS, os.cpu_count() or 1)
    try:
        _look(request, listing, cache, jobs, found)
    except WorkerDied as error:
        found.problems.append(("", f"a worker of the scan died, so files were not seen: {error}"))
    _expectations(request, listing, found)
    return Report(
        root=str(listing.root),
        visited=found.visited,
        bytes=found.bytes,
        from_cache=found.from_cache,
        hits=tuple(sorted(_hits(request, found), key=lambda hit: (hit.path, hit.line, hit.column, hit.rule))),
        skipped=tuple(sorted(found.skipped, key=lambda one: one.path)),
        canaries=tuple(found.canaries),
        problems=tuple(found.problems),
        engines=("ast-grep", "libcst", "text"),
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
    """The same in every worker."""

    def __init__(self, rules: Sequence[Rule], scanner: Scanner) -> None:
        self._rules, self._scanner = rules, scanner

    def __call__(self, task: _Task) -> _Done:
        if task.canaries:
            return _Done(canaries=canaries.check(self._rules, task.canaries))
        if task.names:
            return _Done(mentions=self._scanner.mentions(task.names, task.files))
        return _Done(self._scanner.scan(task.files))


def _look(request: Request, listing: Listing, cache: Cache, jobs: int, found: _Found) -> None:
    scanner = Scanner(request.rules, cache, listing.root)
    work = _Work(request.rules, scanner)
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
    _follow(work, scanner, listing, jobs, found)
    cache.add(new | scanner.new)


def _follow(work: _Work, scanner: Scanner, listing: Listing, jobs: int, found: _Found) -> None:
    """Constants that one file defines and another uses."""
    for path in exporters(list(found.seen.values())):
        again = scanner.again(path, {})
        if again is not None:
            found.seen[path] = again
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
        later = (scanner.again(path, outside) for path, outside in users.items())
        found.seen = merged(found.seen, (one for one in later if one is not None))


def _batches(files: Sequence[str]) -> Iterator[Sequence[str]]:
    return (files[at : at + FILES_A_BATCH] for at in range(0, len(files), FILES_A_BATCH))


def _expectations(request: Request, listing: Listing, found: _Found) -> None:
    """What must be true for a scan to count."""
    config, problems = request.config, found.problems
    whole = any(path.resolve() == listing.root for path in request.paths)
    if whole and found.visited < config.floor:
        problems.append(("", f"{found.visited} files were visited, the floor is {config.floor}"))
    if not found.visited:
        problems.append(("", "no file was visited"))
    for path in config.retained if whole else ():
        if not any(
            file == path or file.startswith(path.rstrip("/") + "/") or fnmatchcase(file, path) for file in listing.files
        ):
            problems.append(("", f"retained path {path} does not exist: a path that is not there is not clean"))
    problems += [("", f"{one.path}: {one.reason}: {one.detail}") for one in found.skipped if one.undecided]
    for canary in found.canaries:
        if not canary.right:
            problems.append(("", f"canary {canary.name}: {canary.detail}"))


def _hits(request: Request, found: _Found) -> Iterator[Hit]:
    rules, config = by_id(request.rules), request.config
    for seen in found.seen.values():
        for one in seen.look.sightings if seen.look else ():
            rule = rules[one.rule]
            cls = classify(one, seen.path, seen.language, seen.start, config.places)
            blocks = cls in config.blocks and cls not in rule.allowed_in and _is_retained(seen.path, config.retained)
            yield Hit(
                rule.guard, rule.id, one.symbol, seen.path, one.line, one.column, cls, one.how, one.source,
                one.value, blocks,
            )  # fmt: skip


def _is_retained(path: str, retained: Sequence[str]) -> bool:
    return not retained or any(
        path == one or path.startswith(one.rstrip("/") + "/") or fnmatchcase(path, one) for one in retained
    )
