"""Which language a file is in, and the front end that reads it.

language_of("src/main.rs", b"")
'rust'
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from guards.rule import Rule
from guards.sighting import Look
from guards.sources.grammars import GRAMMARS
from guards.sources.values import Values

_SUFFIXES = {
    "rust": "rs", "typescript": "ts mts cts", "tsx": "tsx", "javascript": "js mjs cjs jsx", "swift": "swift",
    "elixir": "ex exs eex heex leex", "kotlin": "kt kts", "java": "java", "bash": "sh bash zsh ksh bats",
    "yaml": "yaml yml", "json": "json json5 jsonc webmanifest", "html": "html htm xhtml vue svelte",
    "python": "py pyi pyw",
    "toml": "toml", "proto": "proto", "markdown": "md markdown mdx",
}  # fmt: skip
_BY_SUFFIX = {suffix: language for language, suffixes in _SUFFIXES.items() for suffix in suffixes.split()}
_BY_NAME = {"Cargo.lock": "toml", "Pipfile": "toml", ".env": "bash", ".bashrc": "bash", ".envrc": "bash"}
_SHEBANGS = (
    (b"python", "python"), (b"node", "javascript"), (b"deno", "typescript"), (b"elixir", "elixir"), (b"sh", "bash"),
)  # fmt: skip
LANGUAGES = (*_SUFFIXES, "text")  # text: what has another name


def language_of(path: str, start: bytes) -> str:
    """By its name, else by its first line; "text" when neither says."""
    name = path.rpartition("/")[2]
    stem, dot, suffix = name.rpartition(".")
    known = _BY_NAME.get(name) or _BY_SUFFIX.get(suffix.lower() if stem and dot else "")
    if known:
        return known
    if name.startswith(".env"):
        return "bash"
    if start.startswith(b"#!"):
        line = start.split(b"\n", 1)[0]
        return next((language for mark, language in _SHEBANGS if mark in line), "text")
    return "text"


def look(
    language: str, text: str, rules: Sequence[Rule], outside: Mapping[str, Values], *, shares: bool = False
) -> Look:
    """What one file shows; with `shares` also its constants that others may use. The front ends are imported when a
    file needs them: most runs need few."""
    if language == "python":
        from guards.sources import python

        return python.look(text, rules, outside, shares=shares)
    if language == "markdown":
        from guards.sources import markdown

        return markdown.look(text, rules)
    if language == "html":
        from guards.sources import html

        return html.look(text, rules, outside, shares=shares)
    if language in GRAMMARS:
        from guards.sources import syntax

        return syntax.look(language, text, rules, outside, shares=shares)
    from guards.sources import text as plain

    return plain.look(language, text, rules)
