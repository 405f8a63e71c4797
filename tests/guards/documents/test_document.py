from guards.documents.document import Document, slug

TEXT = """---
title: x
---
# Title, *with* `code`!

Intro with [a link](other.md#part) and ![a picture](pic.svg),
and [one more](https://example.org).

## Title, with code

<a id="by-hand"></a>

```sh
make test
```

## Title, with code

`/api/sync/token`
"""


def test_headings_have_the_anchors_of_github() -> None:
    document = Document.parse("a.md", TEXT)
    assert [heading.anchor for heading in document.headings] == [
        "title-with-code",
        "title-with-code-1",
        "title-with-code-2",
    ]
    assert "by-hand" in document.anchors
    assert slug("Was ist `neu`?") == "was-ist-neu"


def test_lines_are_those_of_the_file_in_spite_of_front_matter() -> None:
    document = Document.parse("a.md", TEXT)
    assert document.headings[0].line == 4
    assert [(link.target, link.line) for link in document.links] == [
        ("other.md#part", 6), ("pic.svg", 6), ("https://example.org", 7),
    ]  # fmt: skip
    assert [(code.language, code.line) for code in document.codes] == [("span", 4), ("sh", 13), ("span", 19)]


def test_the_head_ends_at_the_second_heading() -> None:
    head = Document.parse("a.md", TEXT).head
    assert "Intro with" in head
    assert "make test" not in head


def test_links_in_code_are_no_links() -> None:
    assert Document.parse("a.md", "`[a](b.md)`\n\n```\n[c](d.md)\n```\n").links == ()


def test_a_document_without_anything() -> None:
    assert Document.parse("a.md", "").headings == ()
