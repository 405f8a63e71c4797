"""Which language a file is in, and that each has a front end."""

from __future__ import annotations

import pytest

from guards.languages import LANGUAGES, language_of, look
from guards.rule import RULES, load

OURS = load(RULES)


@pytest.mark.parametrize(
    ("name", "start", "language"),
    [
        ("a.rs", b"", "rust"), ("a.mts", b"", "typescript"), ("a.tsx", b"", "tsx"), ("a.jsx", b"", "javascript"),
        ("a.cjs", b"", "javascript"), ("a.swift", b"", "swift"), ("a.exs", b"", "elixir"), ("a.kts", b"", "kotlin"),
        ("a.java", b"", "java"), ("a.bash", b"", "bash"), (".env", b"", "bash"), (".env.production", b"", "bash"),
        ("a.YML", b"", "yaml"), ("a.jsonc", b"", "json"), ("a.vue", b"", "html"), ("a.pyi", b"", "python"),
        ("Cargo.lock", b"", "toml"), ("a.proto", b"", "proto"), ("a.md", b"", "markdown"), ("a.rb", b"", "text"),
        ("Makefile", b"all:\n", "text"), ("a.rs.orig", b"", "text"),
        ("run", b"#!/usr/bin/env python3\n", "python"), ("run", b"#!/bin/bash\n", "bash"),
        ("run", b"#!/usr/bin/env node\n", "javascript"), ("run", b"#!/usr/bin/env elixir\n", "elixir"),
        ("run", b"#!/usr/bin/perl\n", "text"), ("run", b"\n#!/bin/sh\n", "text"), ("a.rs", b"#!/bin/sh\n", "rust"),
    ],
)  # fmt: skip
def test_by_name_and_else_by_first_line(name: str, start: bytes, language: str) -> None:
    assert language_of(f"src/{name}", start) == language


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_a_front_end(language: str) -> None:
    assert [one.symbol for one in look(language, '"phx_join"\n', OURS, {}).sightings] == ["phx_join"]
    assert look(language, "", OURS, {}).sightings == ()
