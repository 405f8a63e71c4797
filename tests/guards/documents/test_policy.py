import pytest

from guards.documents.config import DecisionConfig, RunbookConfig
from guards.documents.document import Document
from guards.documents.policy import decision_faults, historical_faults, runbook_faults

DECISION = """# ADR-7: One transport

## Status

Accepted

## Date

2026-02-26

Supersedes ADR-3.

## Exception process

...

## Verification

...
"""


def decided(text: str) -> list[str]:
    config = DecisionConfig(path="adr.md", supersedes="ADR-3")
    return [f.message for f in decision_faults(config, {"adr.md": text}, {"adr.md": Document.parse("adr.md", text)})]


def test_a_decision_that_stands() -> None:
    assert decided(DECISION) == []
    assert (
        decided(DECISION.replace("## Status\n\nAccepted", "- Status: Accepted").replace("## Date\n\n", "- Date: "))
        == []
    )


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("Accepted", "Proposed", "is not accepted"),
        ("## Status\n\nAccepted\n", "", "it has no status"),
        ("2026-02-26", "soon", "has no date"),
        ("ADR-3", "nothing", "does not name what it supersedes"),
        ("## Exception process", "## Other", "no section on the exception process"),
    ],
)
def test_a_decision_that_does_not(old: str, new: str, says: str) -> None:
    assert any(says in message for message in decided(DECISION.replace(old, new)))


def test_a_decision_that_is_not_there() -> None:
    assert (
        next(decision_faults(DecisionConfig(path="none.md"), {}, {})).message
        == "the superseding decision does not exist"
    )


def test_historical_documents_say_so_at_once() -> None:
    late = "# Status\n\nAll well.\n\n## Later\n\nhistorical\n"
    assert list(historical_faults(Document.parse("a.md", "# Status\n\nStatus: historical snapshot\n"))) == []
    assert len(list(historical_faults(Document.parse("a.md", late)))) == 1


def test_each_drill_has_its_entry_with_all_its_parts() -> None:
    text = "# R\n\n## chaos/one\n\nDoes. x\n\nRollback. y\n\n## chaos/one-more\n\nDoes. x\n"
    config = RunbookConfig(
        path="r.md", entries=("chaos/one", "chaos/one-more", "chaos/two"), parts=("Does.", "Rollback.")
    )
    found = [f.message for f in runbook_faults(config, {"r.md": text}, {"r.md": Document.parse("r.md", text)})]
    assert found == ["the entry of chaos/one-more does not say: Rollback.", "chaos/two has no entry"]
