import pytest

from guards.documents.document import Document
from guards.documents.links import archive_faults, link_faults

FILES = {"docs/a.md", "docs/b c.md", "docs/archive/old.md", "README.md", "src/main.rs"}
FOLDERS = {"docs", "docs/archive", "src", "."}


def faults(path: str, text: str) -> list[str]:
    documents = {name: Document.parse(name, "# Part one\n") for name in FILES if name.endswith(".md")}
    documents[path] = Document.parse(path, text)
    return [fault.check for fault in link_faults(documents[path], documents, {*FILES, path}, FOLDERS)]


@pytest.mark.parametrize(
    "target",
    ["a.md", "a.md#part-one", "#here", "../README.md", "/README.md", "../src/main.rs", "../src/", "b%20c.md",
     "https://x.example/none.md", "mailto:a@b.example", "../src/main.rs#L3"],
)  # fmt: skip
def test_links_that_lead_somewhere(target: str) -> None:
    assert faults("docs/x.md", f"# Here\n\n[x]({target})\n") == []


@pytest.mark.parametrize(
    ("target", "check"),
    [
        ("none.md", "link"),
        ("../none", "link"),
        ("../../out.md", "link"),
        ("a.md#part-two", "anchor"),
        ("#nowhere", "anchor"),
    ],
)
def test_links_that_lead_nowhere(target: str, check: str) -> None:
    assert faults("docs/x.md", f"# Here\n\n[x]({target})\n") == [check]


def test_reference_links_and_pictures_are_links() -> None:
    assert faults("docs/x.md", "[x][ref] ![y](none.png)\n\n[ref]: none.md\n") == ["link", "link"]


def archived(text: str) -> int:
    document = Document.parse("docs/README.md", text)
    return len(list(archive_faults(document, lambda path: "/archive/" in path)))


def test_an_index_that_leads_into_the_archive() -> None:
    assert archived("- [old](archive/old.md)\n") == 1
    assert archived("- [new](a.md)\n") == 0


def test_a_retirement_note_may_name_the_archive() -> None:
    assert archived("## Retired documents\n\n- [old](archive/old.md)\n") == 0
