"""exceptions.toml: what may stand for a while, and why. An exception that is not complete, not live or not used is
non-compliant itself (ADR-0007, exception process; convergence plan, section 2).

    book = load(Path("exceptions.toml"))
    faults_of(book, today=date(2026, 11, 21), used={"EX-1"})
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Iterable, Sequence
from datetime import date, timedelta
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import msgspec
from pydantic import BaseModel, ConfigDict, ValidationError

from guards.hits import Hit
from harness.errors import ConfigError

MAX_AGE_DAYS = 14  # without evidence of renewal: ADR-0007, exception process 4
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

    model_config = ConfigDict(extra="forbid", frozen=True)

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

    def is_live(self, today: date) -> bool:
        return self.created is not None and self.expires is not None and self.created <= today <= self.expires


def load(path: Path) -> tuple[Exception_, ...]:
    """The exceptions of a file; none when there is no file. ConfigError names what cannot be read."""
    if not path.exists():
        return ()
    try:
        tables: Any = tomllib.loads(path.read_text(encoding="utf-8")).get("exception", [])
        return tuple(Exception_.model_validate(table) for table in tables)
    except ValidationError as error:
        lines = [f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}" for problem in error.errors()]
        raise ConfigError("; ".join(lines), where=str(path), hint="'signoff guards --explain' prints a stub") from error
    except (OSError, ValueError) as error:
        raise ConfigError(f"cannot be read: {error}", where=str(path)) from error


def applied(
    hits: Iterable[Hit], book: Sequence[Exception_], today: date, known: Collection[str]
) -> tuple[tuple[Hit, ...], list[tuple[str, str]]]:
    """The hits, those marked that a live exception without fault covers; and the faults of all exceptions."""
    found = tuple(hits)
    used = {one.id for one in book if any(one.covers(hit) for hit in found)}
    faults = faults_of(book, today=today, used=used, known=known)
    faulty = {name for name, _ in faults}
    good = [one for one in book if one.id not in faulty and one.is_live(today)]
    marked = []
    for hit in found:
        cover = next((one for one in good if hit.blocks and one.covers(hit)), None)
        if cover is not None:
            hit = msgspec.structs.replace(hit, blocks=False, covered=f"exception {cover.id} until {cover.expires}")
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
    faults += [
        (one, "the same id is given twice") for one in sorted({one for one in ids if one and ids.count(one) > 1})
    ]
    faults += [(one.id, "it covers nothing that was found: delete it") for one in book if one.id and one.id not in used]
    return faults


def _faults(one: Exception_, today: date, known: Collection[str]) -> list[str]:
    lacking = [name for name in _NEEDED if not getattr(one, name)]
    faults = [f"{name} is missing" for name in lacking]
    if one.rule and one.rule not in known:
        faults.append(f"there is no rule {one.rule!r}")
    if "," in one.surface or "*" in one.surface or one.surface in ("all", "any"):
        faults.append(f"it is bounded to a single surface, and names {one.surface!r}")
    for path in one.paths:
        if path.strip("*/.") == "" or path.split("/")[0].startswith("*"):
            faults.append(f"path {path!r} is wider than one surface")
    tops = {path.split("/")[0] + "/" + "/".join(path.split("/")[1:2]) for path in one.paths if "/" in path}
    if len(tops) > 1:
        faults.append(f"its paths are of several surfaces: {', '.join(sorted(tops))}")
    return faults + (_dates(one, one.created, one.expires, today) if one.created and one.expires else [])


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


def stub(hit: Hit, today: date) -> str:
    """An exception to fill in for this hit."""
    return f'''[[exception]]
id = "EX-{today:%Y%m%d}-{hit.rule}"
surface = ""            # one: runtime, desktop, control ...
rule = "{hit.rule}"
paths = ["{hit.path}"]
created = {today}
expires = {today + timedelta(days=MAX_AGE_DAYS)}
blocker = ""            # what cannot be solved safely in scope
owner = ""              # who answers for it
deletion_issue = ""     # where its end is tracked
blast_radius = ""       # who and what it can reach
rollback = ""           # the steps, when it goes wrong
# [[exception.renewals]]
# on = {today + timedelta(days=MAX_AGE_DAYS)}
# by = ""
# evidence = ""
'''
