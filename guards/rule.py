"""A rule: what must not be there, why, whose it is, and what replaces it. Rules are data (guards/rules/*.toml).

Matching takes no notice of case. A symbol is found as a text of its own: `phx_join` in `"phx_join"` and in
`PHX_JOIN_EVENT`, not in `phx_joined`; a route also behind a base address, but not as the start of a longer segment.

    rule = load(RULES)[0]
    [match.symbol for match in rule.matches('socket("wss://host/sync/socket/websocket?vsn=2.0.0")')]
    ['/sync/socket/websocket']
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from harness.errors import ConfigError

RULES = Path(__file__).with_name("rules")
MAX_RULE_FILE_BYTES = 1_000_000
NEAR_CHARS = 300  # on each side of an anchor: lines of minified files have no end

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.\-]*")
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+[a-z]*|v[0-9]+")

Kind = Literal["route", "frame", "lane", "toggle", "naming"]
Guard = Literal["legacy-symbols", "feature-flags", "naming"]


@dataclass(frozen=True)
class Match:
    """Where a rule's symbol stands in a text, by character."""

    rule: Rule
    symbol: str
    start: int
    end: int


class Rule(BaseModel):
    """`symbols` are found as written. `words` finds names (snake, kebab, camel or dotted) that have a word of each
    group; a word may go on, as `enabled` after `enable`. `pattern` is a regular expression. `anchors` are literals
    of which every text that words or pattern match has at least one. `near` must be, `not_near` must not be on the
    same line."""

    model_config = ConfigDict(extra="forbid", frozen=True, ignored_types=(cached_property,))

    id: str
    guard: Guard
    kind: Kind
    symbols: tuple[str, ...] = ()
    words: tuple[tuple[str, ...], ...] = ()
    pattern: str = ""
    anchors: tuple[str, ...] = ()
    near: str = ""
    not_near: str = ""
    languages: tuple[str, ...] = ()  # none: all
    allowed_in: tuple[str, ...] = ()  # classes in which it may stand although others block there
    reason: str
    owner: str
    replacement: str
    source: str

    @model_validator(mode="after")
    def _is_complete(self) -> Rule:
        if [bool(self.symbols), bool(self.words), bool(self.pattern)].count(True) != 1:
            raise ValueError("a rule has symbols, words or a pattern: one of them")
        if not self.symbols and not self.anchors:
            raise ValueError("words and patterns need anchors: without them every file would have to be parsed")
        if not all(self.words) and self.words:
            raise ValueError("a group of words is empty: nothing would ever match")
        for name in ("pattern", "near", "not_near"):
            try:
                re.compile(getattr(self, name))
            except re.error as error:
                raise ValueError(f"{name} is no regular expression: {error}") from error
        for name in ("reason", "owner", "replacement", "source"):
            if not getattr(self, name).strip():
                raise ValueError(f"{name} is empty")
        if any(len(symbol) < 4 for symbol in self.symbols):
            raise ValueError("a symbol has at least 4 characters")
        return self

    @property
    def literals(self) -> tuple[str, ...]:
        """What a file holds, in one piece or in several, when the rule can match in it."""
        return self.symbols or self.anchors

    @cached_property
    def _matcher(self) -> re.Pattern[str]:
        if self.words:
            return _NAME
        source = self.pattern or "|".join(map(bounded, sorted(self.symbols, key=len, reverse=True)))
        return re.compile(source, re.IGNORECASE)

    @cached_property
    def _forms(self) -> frozenset[str]:
        """Each symbol in all its spellings, in small letters: a plain search is far faster than a pattern."""
        lowered = [symbol.lower() for symbol in self.symbols]
        return frozenset(one.replace("_", by) for one in lowered for by in ("_", "-", ""))

    def matches(self, text: str) -> Iterator[Match]:
        """Its symbols in this text."""
        if self.symbols:
            lowered = text.lower()
            if not any(form in lowered for form in self._forms):
                return
            for found in self._matcher.finditer(text):
                yield Match(self, found.group(), found.start(), found.end())
            return
        for start, end in self._lines(text.lower()):
            line = text[start:end]
            for found in self._matcher.finditer(line):
                if self.words and not self._names(found.group()):
                    continue
                if self.near and not re.search(self.near, line, re.IGNORECASE):
                    continue
                if self.not_near and re.search(self.not_near, line, re.IGNORECASE):
                    continue
                symbol = found.group().strip(" \t\n\"'`,;=:)")
                yield Match(self, symbol, start + found.start(), start + found.end())

    def _lines(self, lowered: str) -> Iterator[tuple[int, int]]:
        """The lines that hold an anchor, each once; of a very long line the part around the anchor."""
        places = sorted(at for anchor in self.anchors for at in _finds(lowered, anchor))
        reached = 0
        for at in places:
            if at < reached:
                continue
            start = max(lowered.rfind("\n", 0, at) + 1, at - NEAR_CHARS, reached)
            end = lowered.find("\n", at)
            reached = min(end if end >= 0 else len(lowered), at + NEAR_CHARS)
            yield start, reached

    def _names(self, name: str) -> bool:
        lowered = name.lower()
        if not any(anchor in lowered for anchor in self.anchors):
            return False
        parts = [part.lower() for part in _WORD.findall(name)]
        return all(any(part.startswith(word) for part in parts for word in group) for group in self.words)


def _finds(text: str, part: str) -> Iterator[int]:
    at = text.find(part)
    while at >= 0:
        yield at
        at = text.find(part, at + 1)


def bounded(symbol: str) -> str:
    """The symbol, not as a part of a longer word: PHX_JOIN_EVENT and handlePhxJoin name the frame, phx_joined does not.
    A route may follow an address, and is not the start of a longer segment."""
    if symbol.startswith("/"):
        return re.escape(symbol) + r"(?![A-Za-z0-9_\-])"
    start = r"(?:(?<![A-Za-z0-9])|(?<=[a-z0-9])(?-i:(?=[A-Z])))"
    end = r"(?:(?![A-Za-z0-9])|(?<=[A-Za-z])(?-i:(?=[A-Z][a-z])))"
    return start + re.escape(symbol).replace("_", r"[_\-]?") + end


def load(folder: Path) -> tuple[Rule, ...]:
    """Every rule of a folder. ConfigError names the file and the rule that is broken: a scan with fewer rules than
    were written would be no scan."""
    rules: list[Rule] = []
    for path in sorted(folder.glob("*.toml")):
        try:
            if path.stat().st_size > MAX_RULE_FILE_BYTES:
                raise ConfigError(f"more than {MAX_RULE_FILE_BYTES} bytes of rules", where=str(path))
            tables = tomllib.loads(path.read_text(encoding="utf-8")).get("rule", [])
        except (OSError, ValueError) as error:
            raise ConfigError(f"the rules cannot be read: {error}", where=str(path)) from error
        for number, table in enumerate(tables, 1):
            try:
                rules.append(Rule.model_validate(table))
            except ValidationError as error:
                named = table.get("id", f"number {number}") if isinstance(table, dict) else f"number {number}"
                first = error.errors()[0]
                where = ".".join(map(str, first["loc"]))
                raise ConfigError(
                    f"rule {named}: {where + ': ' if where else ''}{first['msg']}", where=str(path),
                    hint="docs/guards.md lists the keys of a rule",
                ) from error  # fmt: skip
    if not rules:
        raise ConfigError("there are no rules: nothing would be looked for", where=str(folder))
    twice = {rule.id for rule in rules if [one.id for one in rules].count(rule.id) > 1}
    if twice:
        raise ConfigError(f"rules with the same id: {sorted(twice)}", where=str(folder))
    return tuple(rules)
