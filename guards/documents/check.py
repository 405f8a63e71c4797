"""The story of the docs guard: read the active documents, and ask every check of each.

judged = check(Path("."), DocumentsConfig(), files)
judged.faults
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from guards.documents.commands import command_faults, commands_of
from guards.documents.config import DocumentsConfig
from guards.documents.contract import Contract, contract_of
from guards.documents.document import Document
from guards.documents.faults import Check, Fault, Judged
from guards.documents.links import archive_faults, is_local, link_faults
from guards.documents.policy import decision_faults, historical_faults, runbook_faults

MAX_DOCUMENT_BYTES = 4_000_000  # a document that people read is smaller


def check(root: Path, config: DocumentsConfig, files: Sequence[str], folder: Path | None = None) -> Judged:
    """What is wrong with the documents among these files (relative to `root`). `folder` is where guards.toml stands."""
    texts = {path: text for path in files if path.endswith(".md") and (text := _read(root / path)) is not None}
    documents = {path: Document.parse(path, text) for path, text in texts.items()}
    active = [
        doc for path, doc in documents.items() if _matches(path, config.active) and not _is_archived(path, config)
    ]
    contract = contract_of(config.contract, folder or root)
    counts: Counter[Check] = Counter()
    faults: list[Fault] = []
    for path in config.required:
        counts["required"] += 1
        if path not in files:
            faults.append(Fault("required", path, 0, "a required document does not exist"))
    for document in active:
        faults += _of_one(document, documents, config, contract, files, counts)
    faults += _canonical(config, texts, contract, counts)
    if config.decision is not None:
        counts["decision"] += 1
        faults += decision_faults(config.decision, texts, documents)
    if config.runbook is not None:
        _besides(config.runbook.path, folder or root, texts, documents)
        counts["runbook"] += len(config.runbook.entries)
        faults += runbook_faults(config.runbook, texts, documents)
    return Judged(dict(counts), tuple(sorted(faults, key=lambda fault: (fault.path, fault.line, fault.check))))


def _besides(path: str, folder: Path, texts: dict[str, str], documents: dict[str, Document]) -> None:
    """A runbook may stand outside of the tree, beside guards.toml."""
    if path not in documents and (text := _read(folder / path)) is not None:
        texts[path], documents[path] = text, Document.parse(path, text)


def _of_one(
    document: Document, documents: dict[str, Document], config: DocumentsConfig, contract: Contract,
    files: Sequence[str], counts: Counter[Check],
) -> Iterator[Fault]:  # fmt: skip
    known = set(files)
    folders = {str(parent) for path in files for parent in PurePosixPath(path).parents}
    counts["link"] += sum(map(is_local, document.links))
    yield from link_faults(document, documents, known, folders)
    counts["command"] += len(commands_of(document, config.commands))
    yield from command_faults(document, config.commands)
    if _matches(document.path, config.indexes):
        counts["archive"] += 1
        yield from archive_faults(document, lambda path: _is_archived(path, config))
    if _matches(document.path, config.historical):
        counts["historical"] += 1
        yield from historical_faults(document)
    else:
        yield from _names(document, contract, counts)


def _names(document: Document, contract: Contract, counts: Counter[Check]) -> Iterator[Fault]:
    """Routes and variables that a document names, but for those in a marked retirement note."""
    for code in document.codes:
        if code.line in document.notes:
            continue
        for route in contract.routes_in(code.text) if contract.routes else ():
            counts["route"] += 1
            if not contract.has_route(route):
                message = f"route {route} is not in the contract"
                yield Fault(
                    "route", document.path, code.line, message, "name the canonical one, or mark a retirement note"
                )
        for name in contract.variables_in(code.text):
            counts["variable"] += 1
            if name not in contract.variables:
                yield Fault("variable", document.path, code.line, f"variable {name} is not in the contract")


def _canonical(
    config: DocumentsConfig, texts: dict[str, str], contract: Contract, counts: Counter[Check]
) -> Iterator[Fault]:
    """The required documents name the canonical routes, somewhere among them."""
    said = "\n".join(texts.get(path, "") for path in config.required)
    for route in config.contract.canonical:
        counts["route"] += 1
        if not contract.has_route(route):
            yield Fault("route", "guards.toml", 0, f"canonical route {route} is not in the contract")
        if route not in said:
            yield Fault("route", ", ".join(config.required), 0, f"no required document names {route}")


def _read(path: Path) -> str | None:
    try:
        if path.stat().st_size > MAX_DOCUMENT_BYTES:
            return None
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None


def _matches(path: str, globs: Iterable[str]) -> bool:
    return any(fnmatchcase(path, glob) for glob in globs)


def _is_archived(path: str, config: DocumentsConfig) -> bool:
    return _matches(path, config.archived)
