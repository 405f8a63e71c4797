"""What well-known functions make of texts: they concatenate, join, format, replace, or leave a text as it is.

Functions are known by their last name in small letters, whatever their language; a macro's ends in "!".

    made("join", Operand(items=(("phx",), ("join",))), [Operand(("_",))], lambda name: ())
    ('phx_join',)
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from guards.sources.values import HOLE, MAX_VALUES, Values, filled, product

_CONCATS = frozenset({"concat", "concat!", "plus", "append", "appending", "push_str", "iodata_to_binary"})
_JOINS = frozenset({"join", "joined", "jointostring", "intersperse"})
_FORMATS = frozenset(
    {"format", "format!", "format_args!", "sprintf", "formatted", "printf", "stringwithformat", "string"}
)
_PATHS = frozenset({"appendingpathcomponent", "joinpath", "urljoin"})
_REPLACES = ("replace", "replaceall", "replacingoccurrences")
REPLACING = rf"\.(?:{'|'.join(_REPLACES)})\s*\("  # a call that does, in small letters
_SAMES = frozenset({
    "to_owned", "to_string", "into", "from", "as_str", "as_ref", "clone", "tostring", "string", "str", "valueof",
    "trim", "uri", "url", "freeze", "tolowercase", "lowercase", "lowercased", "downcase", "to_lowercase", "some", "ok",
    "stringify", "stringbuilder", "stringbuffer", "new", "path", "purepath", "pureposixpath", "quote", "strip", "lower",
    "upper", "encode", "decode", "removeprefix", "lstrip", "rstrip", "trimindent", "parse",
})  # fmt: skip
LISTED = _CONCATS | _JOINS  # these take lists


@dataclass(frozen=True)
class Operand:
    """The texts that one operand of a call can be, or its items when it is a list."""

    values: Values = ()
    items: tuple[Values, ...] = ()


def made(callee: str, receiver: Operand | None, arguments: Sequence[Operand], named: Callable[[str], Values]) -> Values:
    """The texts that a call can give; () for a function that is not known. `named` are values by the name of a place
    in a template."""
    operands = [receiver, *arguments] if receiver is not None else list(arguments)
    own = receiver.values if receiver is not None else ()
    values = [argument.values for argument in arguments]
    if callee in _JOINS:
        return _joined(operands)
    if callee in _CONCATS:
        listed = [item for operand in operands for item in operand.items]
        return total(listed or ([own] if own else []) + values)
    if callee in _PATHS:
        return _path([own, *values])
    if callee in _FORMATS or callee.endswith("!"):
        first = next((at for at, value in enumerate(values) if value), 0)  # `write!(to, "{}", ...)`
        templates, rest = (own, values) if own else (values[first], values[first + 1 :]) if values else ((), [])
        return _limited(value for template in templates for value in filled(template, rest, named))
    if callee in _REPLACES and len(values) >= 2:
        chosen = itertools.product(own, values[0], values[1])
        return _limited(text.replace(old, new) for text, old, new in chosen)
    if callee in _SAMES:
        return next(filter(None, values), ()) or own
    return ()


def total(parts: Sequence[Values]) -> Values:
    """One after the other, with holes for what is not known; () when nothing is."""
    return product([part or (HOLE,) for part in parts]) if any(parts) else ()


def _joined(operands: Sequence[Operand]) -> Values:
    """A list made one text: the list is one operand, its glue another. Without a glue it may be a path."""
    items = next((operand.items for operand in operands if operand.items), ())
    texts = [operand.values for operand in operands if operand.values]
    if items and texts:
        return _limited(value for glue in texts[0] for value in product([item or (HOLE,) for item in items], glue))
    if items:
        return total(items) + _path(items) if any(items) else ()
    if len(texts) < 2:
        return ()
    glued = product(texts[1:], texts[0][0]) if len(texts) > 2 else ()  # String.join("/", "a", "b")
    return glued + _path(texts)


def _path(parts: Sequence[Values]) -> Values:
    return tuple(re.sub("/+", "/", value) for value in product([part or (HOLE,) for part in parts], "/"))


def _limited(values: Iterable[str]) -> Values:
    return tuple(itertools.islice(values, MAX_VALUES))
