"""The prefilter may cost time, never a sighting: where a front end sees something, the file is a candidate."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from guards.languages import look
from guards.prefilter import DATA, Prefilter
from guards.rule import RULES, load
from guards.sources.pieces import MIN_PIECE_CHARS

OURS = load(RULES)
PREFILTER = Prefilter(OURS)
SYMBOLS = sorted({symbol for rule in OURS for symbol in rule.symbols})

Sum = tuple[str, Callable[[list[str]], str]]
Naming = tuple[str, Callable[[str, str], str], Callable[[list[str]], str]]
OPEN_OF_SWIFT = "\\("


def between(left: str, names: list[str], right: str) -> str:
    return "".join(left + name + right for name in names)


# How languages put pieces together in one place: (language, (quoted pieces) -> code).
SUMS: list[Sum] = [
    ("rust", lambda q: f"const A: &str = concat!({', '.join(q)});"),
    ("rust", lambda q: f"fn f() {{ let a = [{', '.join(q)}].concat(); }}"),
    ("rust", lambda q: f"fn f() {{ let a = format!(\"{'{}' * len(q)}\", {', '.join(q)}); }}"),
    ("typescript", lambda q: f"const a = {' + '.join(q)};"),
    ("javascript", lambda q: f"const a = [{', '.join(q)}].join('');"),
    ("javascript", lambda q: f"const a = `{''.join('${' + one + '}' for one in q)}`;"),
    ("swift", lambda q: f"let a = {' + '.join(q)}"),
    ("elixir", lambda q: f"a = {' <> '.join(q)}"),
    ("kotlin", lambda q: f"val a = listOf({', '.join(q)}).joinToString(\"\")"),
    ("java", lambda q: f"class A {{ String a = String.join(\"\", {', '.join(q)}); }}"),
    ("bash", lambda q: f"a={''.join(q)}"),
    ("bash", lambda q: f"a=$(printf '{'%s' * len(q)}' {' '.join(q)})"),
    ("python", lambda q: f"a = {' '.join(q)}"),
    ("python", lambda q: f"a = '{'%s' * len(q)}' % ({', '.join(q)},)"),
    ("python", lambda q: f"a = ''.join([{', '.join(q)}])"),
    ("text", lambda q: f"a = {' .. '.join(q)}"),
]  # fmt: skip
# How they put constants together: (language, (name, quoted piece) -> definition, names -> use).
NAMES: list[Naming] = [
    ("rust", lambda n, q: f"const {n}: &str = {q};\n", lambda n: f'fn f() {{ g(format!("{between("{", n, "}")}")); }}'),
    ("typescript", lambda n, q: f"const {n} = {q};\n", lambda n: f"send({' + '.join(n)});"),
    ("javascript", lambda n, q: f"const {n} = {q};\n", lambda n: f"send(`{between('${', n, '}')}`);"),
    ("swift", lambda n, q: f"let {n} = {q}\n", lambda n: f'send("{between(OPEN_OF_SWIFT, n, ")")}")'),
    ("elixir", lambda n, q: f"@{n.lower()} {q}\n", lambda n: f"send({' <> '.join('@' + x.lower() for x in n)})"),
    ("kotlin", lambda n, q: f"const val {n} = {q}\n", lambda n: f"val a = {' + '.join(n)}"),
    ("java", lambda n, q: f"class {n}s {{ static final String {n} = {q}; }}\n",
     lambda n: f"class A {{ String a = {' + '.join(n)}; }}"),
    ("bash", lambda n, q: f"{n}={q}\n", lambda n: f'send "{between("${", n, "}")}"'),
    ("python", lambda n, q: f"{n} = {q}\n", lambda n: f'send(f"{between("{", n, "}")}")'),
]  # fmt: skip
# What stands between their definitions.
ELSE = {
    "rust": "// nothing here\nfn other() { let x = 1; }\n",
    "typescript": "// nothing here\nconst other = 1;\n",
    "javascript": "// nothing here\nconst other = 1;\n",
    "python": "# nothing here\nother = 1\n",
    "bash": "# nothing here\nother=1\n",
}


@st.composite
def pieces(draw: st.DrawFn) -> list[str]:
    """A symbol in some case, cut somewhere."""
    symbol = draw(st.sampled_from(SYMBOLS))
    symbol = draw(st.sampled_from([symbol, symbol.upper()]))
    cuts = sorted(draw(st.sets(st.integers(1, len(symbol) - 1), max_size=4)))
    return [symbol[start:end] for start, end in zip([0, *cuts], [*cuts, len(symbol)], strict=True)]


def quoted(language: str, piece: str) -> str:
    return f"'{piece}'" if language in ("javascript", "bash") else f'"{piece}"'


def agrees(language: str, code: str) -> bool:
    """Whether the front end sees something, in which case the prefilter must."""
    seen = look(language, code, OURS, {}).sightings
    assert not seen or PREFILTER.look(code.encode(), language).candidate, (language, code, seen)
    return bool(seen)


@given(pieces(), st.sampled_from(SUMS))
@settings(deadline=None, max_examples=200)
def test_pieces_in_one_place(cut: list[str], way: Sum) -> None:
    language, code = way
    agrees(language, code([quoted(language, piece) for piece in cut]) + "\n")


@given(pieces(), st.sampled_from(NAMES), st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=200)
def test_pieces_in_constants(cut: list[str], way: Naming, order: random.Random) -> None:
    language, define, use = way
    assume(max(len(cut[0]), len(cut[-1])) >= MIN_PIECE_CHARS)  # the limit that the prefilter states
    names = [f"PART_{number}" for number in range(len(cut))]
    defined = [define(name, quoted(language, piece)) for name, piece in zip(names, cut, strict=True)]
    order.shuffle(defined)
    agrees(language, ELSE.get(language, "").join([*defined, use(names)]) + "\n")


@pytest.mark.parametrize("way", SUMS, ids=lambda way: way[0])
def test_the_ways_are_seen_at_all(way: Sum) -> None:
    language, code = way
    assert agrees(language, code([quoted(language, piece) for piece in ("phx", "_", "join")]) + "\n")


@pytest.mark.parametrize("way", NAMES, ids=lambda way: way[0])
def test_the_ways_with_names_are_seen_at_all(way: Naming) -> None:
    language, define, use = way
    code = [define(name, quoted(language, piece)) for name, piece in (("PART_1", "phx"), ("PART_2", "_join"))]
    assert agrees(language, ELSE.get(language, "").join([*code, use(["PART_1", "PART_2"])]) + "\n")


@given(pieces(), st.sampled_from(["\\u{:04x}", "\\x{:02x}"]), st.data())
@settings(deadline=None, max_examples=100)
def test_escapes(cut: list[str], escape: str, data: st.DataObject) -> None:
    symbol = "".join(cut)
    at = data.draw(st.integers(0, len(symbol) - 1))
    hidden = symbol[:at] + escape.format(ord(symbol[at])) + symbol[at + 1 :]
    for language, code in (
        ("javascript", f"send('{hidden}');"), ("python", f"send('{hidden}')"), ("json", f'{{"a": "{hidden}"}}'),
        ("yaml", f'a: "{hidden}"'), ("toml", f'a = "{hidden}"'), ("text", f'a("{hidden}")'),
    ):  # fmt: skip
        assert agrees(language, code + "\n") or (language == "json" and "x" in escape)


@pytest.mark.parametrize(
    ("language", "code"),
    [
        ("html", '<a href="&#47;sync&#x2F;socket/websocket">a</a>'),
        ("html", "<b onclick=\"send('phx_' + 'join')\">a</b>"),
        ("markdown", "phx\\_join"),
        ("yaml", 'a: "/sync/socket\\\n  /websocket"'),
        ("javascript", "send('phx-open'.replace('-open', '_join'));"),
        ("text", 'HEAD = "phx"\nsend("#{HEAD}_join")'),
        ("text", "API := /api/v1\nall:\n\tcurl $(API)/sync/token"),
        ("bash", "A=phx_\nA+=join"),
        ("elixir", "@a ~s(/sync/socket)\nx = @a <> ~s|/websocket|"),
        ("kotlin", 'val a = "%s_legacy_socket".format("use")'),
        ("typescript", "const A = 'legacy';\nflag(`${A}-sync-fallback`);"),
        ("python", "A = 'legacy'\nflag('_'.join(['use', A, 'socket']))"),
        ("rust", "fn build() { Publisher::in_memory() }"),
        ("swift", 'let a = b.appendingPathComponent("sync").appendingPathComponent("socket/websocket")'),
        ("bash", 'V=spacetime\ncurl "$HOST"/api/"$V"/token'),
    ],
)
def test_what_else_front_ends_see(language: str, code: str) -> None:
    assert agrees(language, code + "\n")


@pytest.mark.parametrize(
    ("language", "code"),
    [
        ("rust", 'fn f() { send("phx_", 1); parse("joined"); }'),
        ("typescript", "const a = `${base}/api/sync/token`;"),
        ("python", "kind = 'legacy'\nmode = 'sync'\n"),
        ("json", '{"head": "phx_", "tail": "join"}'),
        ("markdown", "A legacy user joins."),
        ("text", "deprecated"),
    ],
)
def test_most_files_are_no_candidates(language: str, code: str) -> None:
    assert not PREFILTER.look(code.encode(), language).candidate


def test_ends_are_told_for_other_files() -> None:
    head, tail = PREFILTER.look(b'const HEAD: &str = "phx_";', "rust"), PREFILTER.look(b'send(HEAD + "join");', "rust")
    number = PREFILTER.symbols.index(b"phx_join")
    assert number in head.ends.heads & head.ends.given_heads
    assert number in tail.ends.tails
    assert not tail.ends.given_tails
    assert all(not PREFILTER.look(b'"phx_" "x"', language).ends.heads for language in DATA)
