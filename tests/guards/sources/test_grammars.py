"""Every node kind that a grammar names exists in the grammar of that language: a name that is wrong would never be
found, and nothing would say so."""

from __future__ import annotations

from dataclasses import fields

import pytest
from ast_grep_py import SgRoot

from guards.languages import LANGUAGES
from guards.sources.grammars import GRAMMARS

KINDS = [
    field.name for field in fields(next(iter(GRAMMARS.values()))) if field.name not in ("operators", "code", "embeds")
]
READ_OTHERWISE = {"toml", "proto", "markdown", "text"}


@pytest.mark.parametrize("language", GRAMMARS)
def test_every_kind_exists(language: str) -> None:
    root = SgRoot("", language).root()
    missing = []
    for kind in {kind for name in KINDS for kind in getattr(GRAMMARS[language], name)}:
        try:
            root.find_all(kind=kind)
        except RuntimeError as error:
            missing.append(f"{kind}: {error}")
    assert not missing


def test_a_kind_that_does_not_exist_is_refused() -> None:
    with pytest.raises(RuntimeError):
        SgRoot("", "rust").root().find_all(kind="no_such_kind")


def test_every_language_has_a_grammar_or_a_reader_of_its_own() -> None:
    assert {*GRAMMARS, *READ_OTHERWISE} == set(LANGUAGES)
