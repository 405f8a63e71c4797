from pathlib import Path

from guards.documents.check import check
from guards.documents.config import ContractConfig, DocumentsConfig

GOOD = {
    "README.md": "# A\n\n[sync](docs/sync.md)\n",
    "docs/sync.md": "# Sync\n\nMint by `POST /api/sync/token`.\n\n```sh\nmake test\n```\n",
    "docs/archive/old.md": "# Old\n\n[gone](none.md) `/api/none`\n",
    "docs/status/2026-01.md": "# January\n\nHistorical snapshot. `/api/spoken/of`\n",
}
CONFIG = DocumentsConfig(
    required=("README.md", "docs/sync.md"),
    contract=ContractConfig(routes=("/api/sync/token",), canonical=("/api/sync/token",)),
)


def judged(tmp_path: Path, changed: dict[str, str]) -> tuple[dict[str, int], list[tuple[str, str]]]:
    tree = {path: text for path, text in {**GOOD, **changed}.items() if text}
    for path, text in tree.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    found = check(tmp_path, CONFIG, sorted(tree))
    return dict(found.counts), [(fault.check, fault.path) for fault in found.faults]


def test_documents_that_agree(tmp_path: Path) -> None:
    counts, faults = judged(tmp_path, {})
    assert faults == []
    assert counts == {"required": 2, "link": 1, "command": 1, "archive": 1, "route": 2, "historical": 1}


def test_each_disagreement_is_told(tmp_path: Path) -> None:
    _, faults = judged(
        tmp_path,
        {
            "README.md": "# A\n\n[old](docs/archive/old.md) [none](none.md)\n",
            "docs/sync.md": "# Sync\n\nMint by `POST /api/v2/token`.\n\n```sh\nif (\n```\n",
            "docs/status/2026-01.md": "# January\n\nAll well.\n",
        },
    )
    assert sorted(faults) == [
        ("archive", "README.md"),
        ("command", "docs/sync.md"),
        ("historical", "docs/status/2026-01.md"),
        ("link", "README.md"),
        ("route", "README.md, docs/sync.md"),
        ("route", "docs/sync.md"),
    ]


def test_a_required_document_that_is_not_there(tmp_path: Path) -> None:
    _, faults = judged(tmp_path, {"docs/sync.md": ""})
    assert ("required", "docs/sync.md") in faults


def test_a_retired_route_in_a_retirement_note_is_told_of(tmp_path: Path) -> None:
    text = GOOD["docs/sync.md"] + "\n## Retired routes\n\n`/api/v1/sync/token`\n"
    assert judged(tmp_path, {"docs/sync.md": text})[1] == []
