"""What documents must say of themselves: historical ones that they are, a decision that it stands, a runbook each
drill.

list(decision_faults(config, documents))
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from guards.documents.config import DecisionConfig, RunbookConfig
from guards.documents.document import Document
from guards.documents.faults import Fault

_HISTORICAL = re.compile(
    r"\b(?:historical|archived|superseded|snapshot of|no longer (?:current|maintained))\b", re.IGNORECASE
)
_STATUS = re.compile(r"^\W*(?:#+\s*)?status\W*(?:\n\s*)*\W*([A-Za-z]+)", re.IGNORECASE | re.MULTILINE)
_DATE = re.compile(r"^\W*(?:#+\s*)?date\W*(?:\n\s*)*\W*(\d{4}-\d{2}-\d{2})", re.IGNORECASE | re.MULTILINE)


def historical_faults(document: Document) -> Iterator[Fault]:
    """A historical status document says so before its second heading."""
    if not _HISTORICAL.search(document.head):
        message = "a historical status document does not say that it is one"
        yield Fault("historical", document.path, 1, message, "begin with a line such as 'Status: historical, see ...'")


def decision_faults(
    config: DecisionConfig, texts: Mapping[str, str], documents: Mapping[str, Document]
) -> Iterator[Fault]:
    """The superseding decision is there, accepted and dated, and names what it must."""
    document = documents.get(config.path)
    if document is None:
        yield Fault("decision", config.path, 0, "the superseding decision does not exist")
        return
    text = texts[config.path]
    status, dated = _STATUS.search(text), _DATE.search(text)
    if status is None or status[1].lower() != "accepted":
        said = f"its status is {status[1]!r}" if status else "it has no status"
        yield Fault("decision", config.path, 1, f"the superseding decision is not accepted: {said}")
    if dated is None:
        yield Fault("decision", config.path, 1, "the superseding decision has no date", "write it as YYYY-MM-DD")
    if config.supersedes and config.supersedes.lower() not in text.lower():
        yield Fault("decision", config.path, 0, f"it does not name what it supersedes: {config.supersedes}")
    for title in config.sections:
        if not document.section(title):
            yield Fault("decision", config.path, 0, f"it has no section on the {title}")


def runbook_faults(
    config: RunbookConfig, texts: Mapping[str, str], documents: Mapping[str, Document]
) -> Iterator[Fault]:
    """Every entry has a heading of its own and, below it, the parts that each must have."""
    document = documents.get(config.path)
    if document is None:
        yield Fault("runbook", config.path, 0, "the runbook does not exist")
        return
    lines = texts[config.path].split("\n")
    for entry in config.entries:
        at = next((n for n, heading in enumerate(document.headings) if _names(heading.text, entry)), None)
        if at is None:
            yield Fault("runbook", config.path, 0, f"{entry} has no entry", f"add a heading {entry}")
            continue
        heading = document.headings[at]
        ends = next((one.line for one in document.headings[at + 1 :] if one.level <= heading.level), len(lines) + 1)
        body = "\n".join(lines[heading.line : ends - 1]).lower()
        for part in config.parts:
            if part.lower() not in body:
                yield Fault("runbook", config.path, heading.line, f"the entry of {entry} does not say: {part}")


def _names(heading: str, entry: str) -> bool:
    return re.search(rf"(?<![\w/-]){re.escape(entry)}(?![\w/-])", heading) is not None
