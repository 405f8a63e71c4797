"""The front end of pages: their text and attributes, and their scripts as the code that they are.

look('<script>join = "phx_" + "join"</script>', rules, {}).sightings[0].how
'folded'
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import msgspec
from ast_grep_py import SgRoot

from guards.rule import Rule
from guards.sighting import Look, Sighting
from guards.sources import syntax
from guards.sources.nodes import of_kinds
from guards.sources.values import Values

_TYPED = re.compile(r"<script[^>]*\blang=[\"']?tsx?\b")


def look(text: str, rules: Sequence[Rule], outside: Mapping[str, Values], *, shares: bool = False) -> Look:
    """What one page shows."""
    page = syntax.look("html", text, rules, outside, shares=shares)
    sightings = list(page.sightings)
    constants = dict(page.constants)
    for script in of_kinds(SgRoot(text, "html").root(), ("script_element",)):
        typed = _TYPED.match(script.text())
        for body in of_kinds(script, ("raw_text",)):
            start, end = body.range().start, body.range().end
            seen = syntax.look("typescript" if typed else "javascript", body.text(), rules, outside, shares=shares)
            constants |= seen.constants
            inside = (start.line, start.column), (end.line, end.column)
            sightings = [one for one in sightings if not inside[0] <= (one.line - 1, one.column - 1) < inside[1]]
            sightings += (_moved(one, start.line, start.column) for one in seen.sightings)
    return Look(tuple(sightings), constants, page.problem)


def _moved(one: Sighting, lines: int, columns: int) -> Sighting:
    """A place in a script as a place in its page; both counts are of what stands before the script."""
    column = one.column + columns if one.line == 1 else one.column
    return msgspec.structs.replace(one, line=one.line + lines, column=column)
