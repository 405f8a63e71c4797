"""docs/signoff.schema.json, generated from the types of signoff.json: JSON Schema 2020-12.

For whoever reads a signoff with a program of their own. Committed; a test refuses a stale one. The `$id` is a
name and not an address: nothing has to be fetched to validate.

    python -m harness.schema            # writes it
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from harness.evidence.signoff import SCHEMA_VERSION, Signoff

PATH = Path(__file__).resolve().parent.parent / "docs" / "signoff.schema.json"
DIALECT = "https://json-schema.org/draft/2020-12/schema"
ID = f"urn:signoff:schema:signoff:{SCHEMA_VERSION}"
TITLE = "A signoff"
DESCRIPTION = (
    "signoff.json, the one machine-readable result of a run. Everything else in its folder is rendered from it, or is "
    "the evidence that 'signoff verify' judges again. Fields that have their default may be absent."
)


def schema() -> dict[str, Any]:
    """The whole schema, its types under `$defs`."""
    (root,), types = msgspec.json.schema_components([Signoff], schema_hook=_any, ref_template="#/$defs/{name}")
    head = {"$schema": DIALECT, "$id": ID, "title": TITLE, "description": DESCRIPTION}
    return {**head, **root, "$defs": types}


def _any(kind: type) -> dict[str, Any]:
    """A checker's parameters are of any JSON type; nothing else may be of unknown shape."""
    if kind is object:
        return {}
    raise NotImplementedError(f"signoff.json holds a {kind!r}: give it a type that has a schema")


def generate() -> bytes:
    return msgspec.json.format(msgspec.json.encode(schema(), order="deterministic"), indent=2) + b"\n"


if __name__ == "__main__":
    PATH.write_bytes(generate())
