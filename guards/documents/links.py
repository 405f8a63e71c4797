"""Links within a tree: their files exist, their anchors too, and no active index leads into the archive.

list(link_faults(document, documents, files, is_archived))
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Collection, Iterator, Mapping
from urllib.parse import unquote, urlsplit

from guards.documents.document import Document, Link
from guards.documents.faults import Fault


def link_faults(
    document: Document, documents: Mapping[str, Document], files: Collection[str], folders: Collection[str]
) -> Iterator[Fault]:
    """Links of one document that lead nowhere. Addresses of other hosts are not asked: nothing here uses a network."""
    for link in document.links:
        if not is_local(link):
            continue
        target, anchor = resolved(document.path, link)
        if target is None:
            yield Fault("link", document.path, link.line, f"{link.target} leads out of the tree")
        elif target not in files and target not in folders:
            yield Fault("link", document.path, link.line, f"{link.target} leads to {target}, which does not exist")
        elif anchor and target in documents and anchor.lower() not in documents[target].anchors:
            near = ", ".join(sorted(documents[target].anchors)[:5])
            message = f"{link.target} names an anchor that {target} does not have"
            yield Fault("anchor", document.path, link.line, message, f"it has {near}, ..." if near else "")


def archive_faults(document: Document, is_archived: Callable[[str], bool]) -> Iterator[Fault]:
    """Links of an active index into the archive, but for those in a marked retirement note."""
    for link in document.links:
        target = resolved(document.path, link)[0] if is_local(link) else None
        if target is not None and is_archived(target) and link.line not in document.notes:
            message = f"an active index leads into the archive: {link.target}"
            yield Fault("archive", document.path, link.line, message, "link the document that took its place")


def is_local(link: Link) -> bool:
    parts = urlsplit(link.target)
    return not parts.scheme and not parts.netloc


def resolved(path: str, link: Link) -> tuple[str | None, str]:
    """(the file in the tree or None when it leads out of it, the anchor)."""
    parts = urlsplit(link.target)
    anchor = unquote(parts.fragment)
    if not parts.path:
        return path, anchor
    where = unquote(parts.path)
    whole = where.lstrip("/") if where.startswith("/") else posixpath.join(posixpath.dirname(path), where)
    normal = posixpath.normpath(whole)
    return (None if normal.startswith("..") else normal.rstrip("/")), anchor
