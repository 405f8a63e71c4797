"""Our rules in semgrep's words, for its languages: the same symbols, found by another engine.

A symbol is looked for in two ways: in literals, as semgrep folds them (concatenations, constants of the file,
templates), and as a token of the text outside of comments, which sees inside macros and behind `use ... as`. For Rust,
which semgrep folds little of, also in what `concat!` and `format!` put together.

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
    return {
        family: {
            "rules": [
                _rule(rule, family, list(languages))
                for rule in rules
                if not rule.languages or set(rule.languages) & {*languages, "tsx"}
            ]
        }
        for family, languages in LANGUAGES.items()
    }


def _rule(rule: Rule, family: str, languages: list[str]) -> Json:
    ways: list[Json] = [{"patterns": [{"pattern-regex": _token(rule)}, {"pattern-not-regex": _COMMENT}]}]
    plain = _without_escapes(_regex(rule))
    if not rule.near and not rule.not_near and "\\" not in plain:
        ways.append({"pattern": f'"=~/{plain}/"'})
    if family == "rust" and rule.symbols:
        ways.append({"patterns": [{"pattern-regex": _macro(rule)}, {"pattern-not-regex": _COMMENT}]})
    return {
        "id": f"{family}.{rule.id}",
        "languages": languages,
        "severity": "ERROR",
        "message": rule.reason,
        "metadata": {"rule": rule.id},
        "pattern-either": ways,
    }


def _regex(rule: Rule) -> str:
    """What the rule looks for, in one expression."""
    if rule.symbols:
        return "(?i)(?:" + "|".join(map(bounded, rule.symbols)) + ")"
    if rule.words:
        groups = "".join(f"(?={_NAME}*{_PART}(?:{'|'.join(group)}))" for group in rule.words)
        return f"(?i)(?<!{_NAME}){groups}{_NAME}+"
    return f"(?i)(?:{rule.pattern})"


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
