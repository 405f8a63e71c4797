"""Our rules in semgrep's words, for its languages: the same symbols, found by another engine.

A symbol is looked for as a token of the text outside of comments, which sees inside macros and behind `use ... as`, and
in literals as semgrep folds them: concatenations, constants of the file, templates. Of Rust it folds nothing that a
token does not show; there, what `concat!` and `format!` put together is looked for in their arguments, and nothing is
parsed.

    python -m guards.semgrep_rules       # writes guards/rules/semgrep/*.yaml
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from guards.rule import RULES, Rule, bounded, load

FOLDER = RULES / "semgrep"
LANGUAGES = {"rust": ("rust",), "typescript": ("typescript", "javascript"), "swift": ("swift",)}
_COMMENT = r"//.*|/\*[\s\S]*?\*/"
_NAME = r"[A-Za-z0-9_.\-]"
_PART = r"(?:(?<![A-Za-z])|(?-i:(?<=[a-z0-9])(?=[A-Z])))"  # where a word of a name begins
_SEAM = r'(?:"\s*,\s*"|\{\}[^"]*"\s*,\s*")?'  # between two words of a symbol, in the arguments of a macro
Json = dict[str, Any]


def rules_for(rules: Sequence[Rule]) -> dict[str, Json]:
    """By file name: semgrep's configuration for a family of languages."""
    made = {}
    for family, languages in LANGUAGES.items():
        own = [rule for rule in rules if not rule.languages or set(rule.languages) & {*languages, "tsx"}]
        found = [_tokens(rule, family) for rule in own]
        found += [] if family == "rust" else _literals(own, family)
        made[family] = {"rules": found}
    return made


def _tokens(rule: Rule, family: str) -> Json:
    ways = [_token(rule), *([_macro(rule)] if family == "rust" and rule.symbols else [])]
    outside = [{"patterns": [{"pattern-regex": way}, {"pattern-not-regex": _COMMENT}]} for way in ways]
    return _semgrep_rule(family, rule.id, rule.reason, [rule.id], {"pattern-either": outside})


def _literals(rules: Sequence[Rule], family: str) -> list[Json]:
    """One for each guard: semgrep goes through all expressions of a file for every rule that looks at literals."""
    made = []
    for guard in dict.fromkeys(rule.guard for rule in rules):
        regexes = {
            rule.id: _without_escapes(_regex(rule)) for rule in rules if rule.guard == guard and not _by_line(rule)
        }
        fit = {name: regex for name, regex in regexes.items() if "\\" not in regex}
        if fit:
            pattern = f'"=~/{"|".join(f"(?:{regex})" for regex in fit.values())}/"'
            made.append(_semgrep_rule(family, f"literal-{guard}", guard, list(fit), {"pattern": pattern}))
    return made


def _by_line(rule: Rule) -> bool:
    return bool(rule.near or rule.not_near)


def _semgrep_rule(family: str, name: str, reason: str, ours: list[str], way: Json) -> Json:
    return {
        "id": f"{family}.{name}",
        "languages": list(LANGUAGES[family]),
        "severity": "ERROR",
        "message": reason,
        "metadata": {"rules": ours},
        **way,
    }


def _regex(rule: Rule) -> str:
    """What the rule looks for, in one expression."""
    if rule.symbols:
        return "(?i)(?:" + "|".join(map(bounded, rule.symbols)) + ")"
    if rule.words:
        groups = "".join(f"(?={_NAME}*{_PART}(?:{'|'.join(group)}))" for group in rule.words)
        return f"(?i)(?<!{_NAME}){groups}{_NAME}+"
    return f"(?i)(?:{rule.pattern})"


def _literal(rule: Rule) -> str:
    """The same for the text of a literal, tried on every expression: without names of capitals and small letters, which
    cost three times as much and are seen as tokens."""
    if not rule.symbols:
        return _without_escapes(_regex(rule))
    names = [re.escape(symbol).replace("_", "[_-]?") for symbol in rule.symbols if not symbol.startswith("/")]
    routes = [re.escape(symbol) for symbol in rule.symbols if symbol.startswith("/")]
    ways = [f"(?<![A-Za-z0-9])(?:{'|'.join(names)})(?![A-Za-z0-9])"] if names else []
    ways += [f"(?:{'|'.join(routes)})(?![A-Za-z0-9_-])"] if routes else []
    return _without_escapes(f"(?i)(?:{'|'.join(ways)})")


def _without_escapes(regex: str) -> str:
    """The same without a backslash: in a pattern it would be read as an escape of the language."""
    return regex.replace(r"\-", "-").replace(r"\.", "[.]").replace(r"\s", "[[:space:]]").replace(r"\/", "/")


def _token(rule: Rule) -> str:
    """The same, with what must and must not be on its line."""
    must = f"(?=.*(?:{rule.near}))" if rule.near else ""
    must_not = f"(?!.*(?:{rule.not_near}))" if rule.not_near else ""
    return f"(?im)^{must}{must_not}.*?{_regex(rule)}" if must or must_not else _regex(rule)


def _macro(rule: Rule) -> str:
    """Its symbols in pieces between the arguments of a macro, cut where their words end."""
    cut = (_SEAM.join(map(re.escape, re.findall(r"[A-Za-z0-9]+|[^A-Za-z0-9]", symbol))) for symbol in rule.symbols)
    return rf'(?i)\b(?:concat|format)!\s*\([^;]*?"[^"]*?(?:{"|".join(cut)})"'


def _yaml(value: Any, pad: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            if isinstance(item, (dict, list)):
                yield f"{pad}{key}:"
                yield from _yaml(item, pad + "  ")
            else:
                yield f"{pad}{key}: {json.dumps(item)}"
        return
    for item in value:
        lines = list(_yaml(item, pad + "  ")) if isinstance(item, dict) else [f"{pad}  {json.dumps(item)}"]
        yield f"{pad}- {lines[0].lstrip()}"
        yield from lines[1:]


def text_of(config: Json) -> str:
    """One configuration as a file."""
    return "# Made by python -m guards.semgrep_rules.\n" + "\n".join(_yaml(config)) + "\n"


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for family, config in rules_for(load(RULES)).items():
        Path(FOLDER / f"{family}.yaml").write_text(text_of(config))
