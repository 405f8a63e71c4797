"""exceptions.toml: what may stand for a while, and why. An exception that is not complete, not live or not used is
non-compliant itself (ADR-0007, exception process; convergence plan, section 2).

    book = load(Path("exceptions.toml"))
    faults_of(book, today=date(2026, 11, 21), used={"EX-1"})
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import date, timedelta
from fnmatch import fnmatchcase
from itertools import combinations, takewhile
from pathlib import Path

import msgspec
from pydantic import BaseModel, ConfigDict, ValidationError

from guards.hits import Hit
from harness.errors import ConfigError

MAX_AGE_DAYS = 14  # without evidence of renewal: ADR-0007, exception process 4
SURFACE_FOLDERS = 2  # of a path say of which surface it is, as in apps/runtime/src/main.rs
_TEXTS = ("blocker", "owner", "deletion_issue", "blast_radius", "rollback")
_NEEDED = ("id", "surface", "rule", "paths", "created", "expires", *_TEXTS)


class Renewal(BaseModel):
    """Why it still stands: when it was looked at again, by whom, and what shows it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    on: date
    by: str
    evidence: str


class Exception_(BaseModel):
    """One exception as it is written. What is missing is a fault of it, not of the file, so all fields may be."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

    id: str = ""
    surface: str = ""  # runtime, desktop, control ... : one of them
    rule: str = ""
    paths: tuple[str, ...] = ()
    created: date | None = None
    expires: date | None = None
    blocker: str = ""
    owner: str = ""
    deletion_issue: str = ""
    blast_radius: str = ""
    rollback: str = ""
    renewals: tuple[Renewal, ...] = ()

    def covers(self, hit: Hit) -> bool:
        """Exactly its rule and its paths."""
        return hit.rule == self.rule and any(hit.path == path or fnmatchcase(hit.path, path) for path in self.paths)

    @property
    def cover(self) -> str:
        """What a hit says that it covers."""
        return f"exception {self.id} until {self.expires}"

    def is_live(self, today: date) -> bool:
        return self.created is not None and self.expires is not None and self.created <= today <= self.expires


class _Book(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    exception: tuple[Exception_, ...] = ()


def load(path: Path) -> tuple[Exception_, ...]:
    """The exceptions of a file; none when there is no file. ConfigError names what cannot be read."""
    if not path.exists():
        return ()
    try:
        return _Book.model_validate(tomllib.loads(path.read_text(encoding="utf-8"))).exception
    except ValidationError as error:
        lines = [f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}" for problem in error.errors()]
        raise ConfigError("; ".join(lines), where=str(path), hint="'signoff guards --explain' prints a stub") from error
    except (OSError, ValueError) as error:
        raise ConfigError(f"cannot be read: {error}", where=str(path)) from error


def applied(
    hits: Iterable[Hit], book: Sequence[Exception_], today: date, known: Collection[str]
) -> tuple[tuple[Hit, ...], list[tuple[str, str]]]:
    """The hits, those marked that a live exception without fault covers; and the faults of all exceptions. One that
    covers only what does not block in any case is of no use."""
    found = tuple(hits)
    used = {one.id for one in book if any(one.covers(hit) for hit in found if hit.blocks or hit.covered)}
    faults = faults_of(book, today=today, used=used, known=known)
    faulty = {name for name, _ in faults}
    good = [one for one in book if one.id and one.id not in faulty and one.is_live(today)]
    marked = []
    for hit in found:
        cover = next((one for one in good if hit.blocks and one.covers(hit)), None)
        if cover is not None:
            hit = msgspec.structs.replace(hit, blocks=False, covered=cover.cover)
        marked.append(hit)
    return tuple(marked), faults


def faults_of(
    book: Sequence[Exception_], *, today: date, used: Collection[str], known: Collection[str]
) -> list[tuple[str, str]]:
    """(id, what is wrong) of every exception that does not comply. `known` are the rules that there are."""
    ids = [one.id for one in book]
    faults = [
        (one.id or f"number {number}", what)
        for number, one in enumerate(book, 1)
        for what in _faults(one, today, known)
    ]
    faults += [(name, "the same id is given twice") for name in sorted({name for name in ids if ids.count(name) > 1})]
    return faults + [
        (one.id, "it covers nothing that would block: delete it") for one in book if one.id and one.id not in used
    ]


def _faults(one: Exception_, today: date, known: Collection[str]) -> list[str]:
    faults = [f"{name} is missing" for name in _NEEDED if not getattr(one, name)]
    if one.rule and one.rule not in known:
        faults.append(f"there is no rule {one.rule!r}")
    if "," in one.surface or "*" in one.surface or one.surface in ("all", "any"):
        faults.append(f"it is bounded to a single surface, and names {one.surface!r}")
    faults += [f"path {path!r} is wider than one surface" for path in one.paths if _is_wide(path)]
    tops = sorted({"/".join(path.split("/")[:-1][:SURFACE_FOLDERS]) for path in one.paths})
    if any(not (first.startswith(second) or second.startswith(first)) for first, second in combinations(tops, 2)):
        faults.append(f"its paths are of several surfaces: {', '.join(tops)}")
    return faults + (_dates(one, one.created, one.expires, today) if one.created and one.expires else [])


def _is_wide(path: str) -> bool:
    """A path names a file, or a pattern below folders that are a surface's own."""
    fixed = list(takewhile(lambda part: not set(part) & set("*?["), path.split("/")))
    return (len(fixed) < len(path.split("/")) and len(fixed) < SURFACE_FOLDERS) or path.strip("/.") == ""


def _dates(one: Exception_, created: date, expires: date, today: date) -> list[str]:
    faults = []
    if created > today:
        faults.append(f"it is dated {created}, which is still to come")
    if expires < created:
        faults.append(f"it expires on {expires}, before it was created")
    if expires < today:
        faults.append(f"it expired on {expires}")
    shown = [
        renewal.on
        for renewal in one.renewals
        if renewal.evidence.strip() and renewal.by.strip() and renewal.on <= today
    ]
    latest = max([created, *shown])
    if today - latest > timedelta(days=MAX_AGE_DAYS):
        faults.append(f"it is {(today - latest).days} days old without evidence of renewal; at most {MAX_AGE_DAYS}")
    if expires - latest > timedelta(days=MAX_AGE_DAYS):
        faults.append(f"it runs {(expires - latest).days} days from its last evidence; at most {MAX_AGE_DAYS}")
    return faults


def stubs(hits: Iterable[Hit], today: date) -> Iterator[str]:
    """An exception to fill in for each rule and surface that has blocking hits."""
    paths: dict[tuple[str, str], list[str]] = {}
    for hit in hits:
        if hit.blocks:
            surface = "/".join(hit.path.split("/")[:-1][:SURFACE_FOLDERS])
            paths.setdefault((hit.rule, surface), []).append(hit.path)
    for number, ((rule, _), found) in enumerate(sorted(paths.items()), 1):
        yield _stub(f"EX-{today:%Y%m%d}-{number}", rule, sorted(set(found)), today)


def _stub(name: str, rule: str, paths: Sequence[str], today: date) -> str:
    until = today + timedelta(days=MAX_AGE_DAYS)
    return f"""[[exception]]
id = "{name}"
surface = ""            # one: runtime, desktop, control ...
rule = "{rule}"
paths = {json.dumps(paths)}
created = {today}
expires = {until}
blocker = ""            # what cannot be solved safely in scope
owner = ""              # who answers for it
deletion_issue = ""     # where its end is tracked
blast_radius = ""       # who and what it can reach
rollback = ""           # the steps, when it goes wrong
# [[exception.renewals]]   # at the latest after {MAX_AGE_DAYS} days; then expires may be later too
# on = {until}
# by = ""
# evidence = ""
"""
