"""What a source tree says of how its programs are run: compose files, Procfiles, examples of an environment.

services(tree)              # compose services, with the folder that each is built from
processes(tree)             # lines of Procfiles
examples(tree)              # folder -> the variables that its .env.example names
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from harness.survey.files import Tree, list_at, table_at
from harness.survey.found import Program, Setting
from harness.survey.manifests import plain_words

COMPOSE = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")
EXAMPLES = (".env.example", ".env.sample", ".env.template")
_DEFAULT = re.compile(r"\$\{\w+:?-([^}]*)\}")
_ROUTE = re.compile(r"https?://[^/\s\"']+(/[^\s\"']*)")
_PROCESS = re.compile(r"^([\w-]+):[ \t]*(\S.*)$", re.MULTILINE)
_VARIABLE = re.compile(r"^\s*(?:export\s+)?([A-Za-z_]\w*)\s*=", re.MULTILINE)
_SCALARS = (str, int, float)
MAX_MERGED = 10_000  # keys of one table: merges of merges can stand for any number of them


class _Loader(yaml.SafeLoader):  # type: ignore[misc]
    """SafeLoader, but for merges that would take for ever."""

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        super().flatten_mapping(node)
        if len(node.value) > MAX_MERGED:
            raise yaml.YAMLError(f"its merges grow beyond {MAX_MERGED} keys")


@dataclass(frozen=True)
class Service:
    """A compose service, and the folder that its image is built from, where it is one of the tree."""

    program: Program
    context: Path | None


def services(tree: Tree) -> list[Service]:
    """Those with a published port, or built from the tree; a SpacetimeDB server is none, for the lab starts its own."""
    found = list[Service]()
    for path in tree.called(*COMPOSE):
        for name, service in table_at(tree.table(path, _read), "services").items():
            if isinstance(service, dict) and "spacetime" not in _words(service.get("image")):
                one = _service(path, str(name), service)
                found += [one] if one.program.url or one.context is not None else []
    return found


def _read(text: str) -> object:
    return yaml.load(text, Loader=_Loader)  # it is a SafeLoader


def _service(path: Path, name: str, service: dict[str, Any]) -> Service:
    context = _context(path, service.get("build"))
    published = [port for one in list_at(service, "ports") if (port := _published(one))]
    given = service.get("environment")
    variables = [_words(one).partition("=")[0] for one in given] if isinstance(given, (dict, list)) else []
    test = service.get("healthcheck")
    route = _ROUTE.search(_words(test.get("test"))) if isinstance(test, dict) else None
    ready, command = route[1] if route else "", _words(service.get("command"))
    setting = Setting(path, tuple(filter(None, variables)), ready, command, called=name)
    url = f"http://127.0.0.1:{published[0]}" if published else ""
    return Service(Program(name, path, url=url, own=context is not None, setting=setting), context)


def _context(path: Path, build: object) -> Path | None:
    """The folder below the tree's own that an image is built from."""
    said = build.get("context", ".") if isinstance(build, dict) else build
    if not isinstance(said, str) or "://" in said or "\0" in said:
        return None
    folder = Path(os.path.normpath(path.parent / said))
    return None if folder.is_absolute() or ".." in folder.parts else folder


def _words(value: object) -> str:
    """A text, or a list of texts, on one line; nothing of what else may stand there."""
    if isinstance(value, list):
        return " ".join(filter(None, (_words(one) for one in value if isinstance(one, _SCALARS))))
    try:
        return str(value) if isinstance(value, _SCALARS) else ""
    except ValueError:  # a number of thousands of digits
        return ""


def _published(port: object) -> str:
    """The port on this machine, "" where compose picks one.

    >>> _published("127.0.0.1:${PORT:-8080}:80/tcp")
    '8080'
    """
    if isinstance(port, dict):
        said = _words(port.get("published"))
    else:
        said = ":".join(_DEFAULT.sub(r"\1", _words(port)).split(":")[:-1]).rpartition(":")[2]
    return said if said.isdigit() else ""


def processes(tree: Tree) -> list[Program]:
    """A line that needs a shell gets one."""
    return [
        Program(name, path, plain_words(line) or ("sh", "-c", f"exec {line}"), path.parent)
        for path in tree.called("Procfile")
        for name, line in _PROCESS.findall(tree.text(path) or "")
    ]


def examples(tree: Tree) -> dict[Path, Setting]:
    """Names alone: what stands behind them is of another machine, and may be a secret."""
    return {path.parent: Setting(path, names) for path, names in _examples(tree) if names}


def _examples(tree: Tree) -> Iterator[tuple[Path, tuple[str, ...]]]:
    for path in tree.called(*EXAMPLES):
        yield path, tuple(dict.fromkeys(_VARIABLE.findall(tree.text(path) or "")))
