"""The story of a scan: list the tree, look at every file, follow constants between files, prove by canaries that
the engine can see, classify, and decide.

    report = scan(Request([Path(".")], GuardsConfig(), load(RULES)))
    report.verdict("legacy-symbols")
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from guards import canaries
from guards.cache import Cache, Entry, key_of
from guards.classes import classify
from guards.config import GuardsConfig
from guards.constants import Share, exporters, importers, may_use, shares
from guards.hits import CanaryResult, Hit, Report, by_id, shown
from guards.rule import RULES, Rule, load
from guards.scanner import Batch, Scanner, text_of
from guards.sighting import Sighting
from guards.sources.values import Values
from guards.stamps import Stamps
from guards.tree import Listing, Skipped, list_tree
from harness.workers import WorkerDied, Workers

FILES_A_BATCH = 250
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
    batch: Batch = field(default_factory=Batch)
    skipped: list[Skipped] = field(default_factory=list)
    canaries: list[CanaryResult] = field(default_factory=list)
    problems: list[tuple[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    engines: tuple[str, ...] = ("ast-grep", "libcst", "text")
    spotted: list[tuple[str, Sighting]] = field(default_factory=list)  # by semgrep alone

    @property
    def seen(self) -> dict[str, Entry]:
        """By path, what showed something."""
        return self.batch.seen


def scan(request: Request, told: Told = lambda done, of: None) -> Report:
    """The report of a tree. Raises UserError for paths that do not exist; all that happens after is in the report."""
    began = time.monotonic()
    key = key_of(request.rules)
    cache = Cache.open(request.cache, key)
    jobs = request.jobs or min(MAX_JOBS, os.cpu_count() or 1)
    found = _Found()
    with Workers(_Work(Scanner(request.rules, cache)), jobs) as workers:
        judged = workers.share([_Task(canaries=tuple(some)) for some in _batches(canaries.names(), jobs)])
        listed_ns = time.time_ns()
        listing = list_tree(request.paths, request.root)
        found.skipped += listing.skipped
        stamps = Stamps.open(request.cache if listing.git else None, key, listing.root)
        tree = _Tree(listing, stamps, cache, workers, found)
        try:
            tree.look(told)
            tree.follow()
            found.canaries += [one for done in judged for one in done.canaries]
        except WorkerDied as error:
            found.problems.append(("", f"a worker of the scan died, so files were not seen: {error}"))
    cache.add(found.batch.new)
    stamps.keep(listing.stamps, found.batch.digests, listed_ns)
    found.notes += dict.fromkeys(filter(None, (cache.trouble, stamps.trouble)))
    return _report(request, listing, jobs, found, began)


def _report(request: Request, listing: Listing, jobs: int, found: _Found, began: float) -> Report:
    found.skipped += [
        Skipped(path, "not parsed whole", one.look.problem)
        for path, one in found.seen.items()
        if one.look and one.look.problem
    ]
    if request.semgrep:
        _second(request, listing, jobs, found)
    _expectations(request, listing, found)
    return Report(
        root=str(listing.root),
        prefix=listing.prefix,
        visited=found.batch.visited,
        bytes=found.batch.size_bytes,
        from_cache=found.batch.from_cache,
        hits=tuple(sorted(_hits(request, found), key=lambda hit: (hit.path, hit.line, hit.column, hit.rule))),
        skipped=tuple(sorted((shown(one) for one in found.skipped), key=lambda one: (one.path, one.reason))),
        canaries=tuple(found.canaries),
        problems=tuple(found.problems),
        notes=tuple(found.notes),
        engines=found.engines,
        took_s=round(time.monotonic() - began, 3),
        git=listing.git,
        rules=len(request.rules),
    )


@dataclass(frozen=True)
class _Task:
    """What a worker does in one go: some files, or some canaries, or files asked for names, or second looks at files
    with constants of others."""

    root: str = ""
    files: tuple[str, ...] = ()
    canaries: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    again: tuple[tuple[str, Mapping[str, Values]], ...] = ()


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
            return _Done(mentions=self._scanner.mentions(task.root, task.names, task.files))
        if task.again:
            return _Done(self._scanner.again(task.root, task.again))
        return _Done(self._scanner.scan(task.root, task.files))


@dataclass(frozen=True)
class _Tree:
    """One tree on its way through the workers."""

    listing: Listing
    stamps: Stamps
    cache: Cache
    workers: Workers[_Task, _Done]
    found: _Found

    def look(self, told: Told) -> None:
        """At every file by itself; one that nobody touched is known."""
        batch, listing, fresh = self.found.batch, self.listing, []
        for path in listing.files:
            digest = self.stamps.digest(path, listing.stamps[path])
            entry = self.cache.get(digest) if digest is not None else None
            if entry is None:
                fresh.append(path)
            else:
                batch.from_cache += 1
                batch.add(path, listing.stamps[path][0], entry)
        for done in self.workers.share(self._tasks(fresh)):
            batch.extend(done.batch)
            told(batch.visited, len(listing.files))
        self.found.skipped += batch.skipped

    def follow(self) -> None:
        """Constants that one file defines and another uses."""
        seen = self.found.seen
        self._again((path, {}) for path in exporters(seen))
        followed: set[Share] = set()
        for _ in range(MAX_RENAMES):
            offered = shares(seen)
            if followed.issuperset(offered):
                return
            followed.update(offered)
            names = tuple(sorted({share.name for share in offered}))
            tasks = self._tasks(may_use(offered, self.listing.files), names)
            mentions = [one for done in self.workers.share(tasks) for one in done.mentions]
            users = importers(offered, mentions, lambda path: text_of(str(self.listing.root), path))
            if len(users) > MAX_SECOND_LOOKS:
                problem = f"{len(users)} files name constants that hold a piece of a symbol: too many to follow"
                self.found.problems.append(("", problem))
                return
            self._again(users.items())

    def _tasks(self, files: Sequence[str], names: tuple[str, ...] = ()) -> list[_Task]:
        parts = _batches(files, len(files) // FILES_A_BATCH + 1)
        return [_Task(str(self.listing.root), tuple(some), names=names) for some in parts]

    def _again(self, looks: Iterable[tuple[str, Mapping[str, Values]]]) -> None:
        """Second looks at files, which take the place of the first."""
        tasks = [_Task(str(self.listing.root), again=(one,)) for one in looks]
        for done in self.workers.share(tasks):
            known = {one.path for one in self.found.skipped}
            self.found.skipped += [one for one in done.batch.skipped if one.path not in known]
            self.found.batch.seen |= done.batch.seen
            self.found.batch.new |= done.batch.new


def _second(request: Request, listing: Listing, jobs: int, found: _Found) -> None:
    """The candidates once more, by semgrep. A use of a constant is seen where the constant is made."""
    from guards import semgrep_lane

    seen = {path: one for path, one in found.seen.items() if one.look and one.language in semgrep_lane.LANGUAGES}
    second = semgrep_lane.look([(path, one.language) for path, one in seen.items()], listing.root, request.rules, jobs)
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
        found.spotted.append((one.path, sighting))


def _batches(names: Sequence[str], count: int) -> Iterator[Sequence[str]]:
    """So many parts of about one size, none of them empty."""
    size = -(-len(names) // count)
    return (names[at : at + size] for at in range(0, len(names), size or 1))


def _expectations(request: Request, listing: Listing, found: _Found) -> None:
    """What must be true for a scan to count."""
    config, problems = request.config, found.problems
    whole = any(path.resolve() == listing.root for path in request.paths)
    if not found.batch.visited:
        problems.append(("", "no file was visited"))
    elif whole and found.batch.visited < config.floor:
        problems.append(("", f"{found.batch.visited} files were visited, the floor is {config.floor}"))
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
    ours = ((path, one, "") for path, entry in found.seen.items() if entry.look for one in entry.look.sightings)
    for path, one, engine in (*ours, *((path, one, "semgrep") for path, one in found.spotted)):
        rule, entry = rules[one.rule], found.seen[path]
        cls = classify(one, path, entry.language, entry.start, config.places)
        blocks = (
            cls in config.blocks
            and cls not in rule.allowed_in
            and (not config.retained or _is_retained(path, config.retained))
        )
        hit = Hit(
            rule.guard, rule.id, one.symbol, path, one.line, one.column, cls, one.how, one.source, one.value,
            blocks, engine=engine,
        )  # fmt: skip
        yield shown(hit)


def _is_retained(path: str, retained: Sequence[str]) -> bool:
    return any(path == one or path.startswith(one.rstrip("/") + "/") or fnmatchcase(path, one) for one in retained)
