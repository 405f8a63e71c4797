"""One document as a CommonMark parser sees it: headings with their anchors, links, code, and its first words.

Document.parse("docs/a.md", "# Title\\n\\n[b](b.md#part)\\n").links
(Link(target='b.md#part', line=3),)
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html.parser import HTMLParser

from markdown_it import MarkdownIt
from markdown_it.token import Token

from guards.sources.markdown import notes_of

_NO_SLUG = re.compile(r"[^\w\- ]")
_FRONT_MATTER = re.compile(r"\A---\n(.*?)\n---\n", re.DOTALL)


@dataclass(frozen=True)
class Link:
    """A link or an image: where it leads, and the line (from 1) of the block that it stands in."""

    target: str
    line: int


@dataclass(frozen=True)
class Code:
    """A code block (`language` is the first word of its fence) or a code span (language "span")."""

    language: str
    text: str
    line: int


@dataclass(frozen=True)
class Heading:
    level: int
    text: str
    anchor: str
    line: int


@dataclass(frozen=True)
class Document:
    """`head` is the text before the second heading, where a document says what it is; `notes` are the lines of marked
    retirement notes."""

    path: str
    headings: tuple[Heading, ...]
    links: tuple[Link, ...]
    codes: tuple[Code, ...]
    anchors: frozenset[str]
    head: str
    notes: frozenset[int]

    @classmethod
    def parse(cls, path: str, text: str) -> Document:
        matter = _FRONT_MATTER.match(text)
        body = "\n" * matter.group(0).count("\n") + text[matter.end() :] if matter else text
        tokens = MarkdownIt("commonmark").enable("table").parse(body)
        headings = tuple(_headings(tokens))
        anchors = {heading.anchor for heading in headings} | set(_html_anchors(tokens))
        second = headings[1].line if len(headings) > 1 else 0
        lines = text.split("\n")
        head = "\n".join(lines[: second - 1] if second else lines)
        found = _inline(tokens)
        return cls(
            path, headings, tuple(found.links), tuple(found.codes), frozenset(anchors), head,
            frozenset(notes_of(tokens)),
        )  # fmt: skip

    def section(self, title: str) -> bool:
        """Whether a heading holds these words, in any case."""
        return any(title.lower() in heading.text.lower() for heading in self.headings)


@dataclass
class _Found:
    links: list[Link]
    codes: list[Code]


def slug(text: str) -> str:
    """The anchor that GitHub gives a heading."""
    return _NO_SLUG.sub("", text.strip().lower()).replace(" ", "-")


def _headings(tokens: Sequence[Token]) -> Iterator[Heading]:
    seen: Counter[str] = Counter()
    for at, token in enumerate(tokens):
        if token.type == "heading_open" and token.map:
            parts = tokens[at + 1].children or ()
            text = "".join(child.content for child in parts if child.type in ("text", "code_inline"))
            anchor = slug(text)
            number = seen[anchor]
            seen[anchor] += 1
            yield Heading(int(token.tag[1]), text, f"{anchor}-{number}" if number else anchor, token.map[0] + 1)


def _inline(tokens: Sequence[Token]) -> _Found:
    found = _Found([], [])
    for token in tokens:
        line = token.map[0] + 1 if token.map else 0
        if token.type == "fence":
            found.codes.append(Code((token.info.split() or [""])[0], token.content, line))
        elif token.type == "code_block":
            found.codes.append(Code("", token.content, line))
        for child in token.children or ():
            if child.type == "link_open":
                found.links.append(Link(str(child.attrGet("href") or ""), line))
            elif child.type == "image":
                found.links.append(Link(str(child.attrGet("src") or ""), line))
            elif child.type == "code_inline":
                found.codes.append(Code("span", child.content, line))
            elif child.type == "softbreak" or child.type == "hardbreak":
                line += 1
    return found


class _Anchors(HTMLParser):
    """`id` and `name` of elements that are written as HTML."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value for name, value in attrs if name in ("id", "name") and value]


def _html_anchors(tokens: Sequence[Token]) -> list[str]:
    parser = _Anchors()
    for token in tokens:
        for one in (token, *(token.children or ())):
            if one.type in ("html_block", "html_inline"):
                parser.feed(one.content)
    return parser.found
