"""What the manifests of a source tree say of its programs and of its module: Cargo, package.json, pyproject.toml.

modules, programs = crates(tree)
programs += packages(tree) + python_programs(tree)
"""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from harness.survey.files import Tree, list_at, table_at
from harness.survey.found import Module, Program

STARTING_SCRIPTS = ("start", "serve", "dev")
# Bounded: what a tree holds may be made so that a search for them has no end.
_TABLE = re.compile(r"#\[(?:spacetimedb::)?table\([^\]]{0,500}?\b(?:name|accessor)\s*=\s*(\w+)")
_REDUCER = re.compile(r"#\[(?:spacetimedb::)?reducer\s*\]\s*(?:#\[[^\]]{0,500}\]\s*){0,10}pub\s+fn\s+(\w+)")
_SHELL = re.compile(r"[$&|;<>()*?`\"'=~#\\\n]")


def plain_words(line: str) -> tuple[str, ...]:
    """The words of a command line that needs no shell; () of one that does."""
    return () if _SHELL.search(line) else tuple(line.split())


# Cargo -----------------------------------------------------------------------------------------------------------


def crates(tree: Tree) -> tuple[list[Module], list[Program]]:
    """Modules, and the binaries of all other crates."""
    found = {path: crate for path in tree.called("Cargo.toml") if (crate := tree.table(path, tomllib.loads))}
    homes = [path.parent for path, crate in found.items() if "workspace" in crate]
    modules, programs = list[Module](), list[Program]()
    for path, crate in found.items():
        name, folder = table_at(crate, "package").get("name"), path.parent
        if not isinstance(name, str):
            continue
        target = next((home for home in homes if folder.is_relative_to(home)), folder) / "target"
        if "spacetimedb" in table_at(crate, "dependencies") and "cdylib" in list_at(
            table_at(crate, "lib"), "crate-type"
        ):
            modules.append(_module(tree, name, folder, target))
        else:
            programs += _binaries(tree, name, path, crate, target / "release")
    return modules, programs


def _module(tree: Tree, name: str, folder: Path, target: Path) -> Module:
    built = target / "wasm32-unknown-unknown" / "release" / f"{name.replace('-', '_')}.wasm"
    source = "\n".join(text for path in tree.below(folder / "src", ".rs") if (text := tree.text(path)))
    return Module(name, folder, built, tuple(_TABLE.findall(source)), tuple(_REDUCER.findall(source)))


def _binaries(tree: Tree, name: str, path: Path, crate: dict[str, Any], release: Path) -> Iterator[Program]:
    """By Cargo's rules: those that are named, and those that stand where it looks. Beside the one that the crate runs
    by default all others are tools."""
    source, default = path.parent / "src", table_at(crate, "package").get("default-run")
    listed = [
        one["name"] for one in list_at(crate, "bin") if isinstance(one, dict) and isinstance(one.get("name"), str)
    ]
    own = [name] if tree.has(source / "main.rs") and not listed else []
    found = [
        file for file in tree.below(source / "bin", ".rs") if file.name == "main.rs" or file.parent == source / "bin"
    ]
    seen = [file.parent.name if file.parent != source / "bin" else file.stem for file in found]
    for binary in dict.fromkeys([*listed, *own, *sorted(seen)]):
        build = f"cargo build --release --manifest-path {path} --bin {binary}"
        command = (str(release / binary),)
        yield Program(binary, path, command, build=build, own=default is None or default == binary)


# package.json ----------------------------------------------------------------------------------------------------


def packages(tree: Tree) -> list[Program]:
    """What each package starts: by a script, or else its `bin`, or else the `main` that stands there."""
    found = list[Program]()
    for path in tree.called("package.json"):
        package = tree.table(path, json.loads)
        if package is not None:
            name = package.get("name")
            called = name if isinstance(name, str) else path.parent.name or tree.folder.resolve().name
            found += (
                Program(own, path, command, path.parent) for own, command in _started(tree, path, called, package)
            )
    return found


def _started(tree: Tree, path: Path, name: str, package: dict[str, Any]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Names and commands. A script that only calls node is started without npm, which would stand between."""
    scripts = table_at(package, "scripts")
    script = next((script for script in STARTING_SCRIPTS if isinstance(scripts.get(script), str)), None)
    binaries = table_at(package, "bin") or {name: package.get("bin")}
    named = {str(key): file for key, file in binaries.items() if isinstance(file, str)}
    main = package.get("main")
    if script is not None:
        words = plain_words(scripts[script])
        yield name, words if words[:1] == ("node",) else ("npm", "run", "--silent", script)
    elif named:
        yield from ((key, ("node", file)) for key, file in named.items())
    elif isinstance(main, str) and tree.has(path.parent / main):
        yield name, ("node", main)


# Python ----------------------------------------------------------------------------------------------------------


def python_programs(tree: Tree) -> list[Program]:
    """The scripts that a pyproject.toml installs, or else the packages that can be run."""
    found, homes = list[Program](), list[Path]()
    for path in tree.called("pyproject.toml"):
        project = tree.table(path, tomllib.loads)
        scripts = table_at(table_at(project, "project"), "scripts")
        if scripts:
            homes.append(path.parent)
        build = f"pip install {shlex.quote(str(path.parent))}"
        found += (Program(name, path, (name,), build=build) for name in scripts)
    for path in tree.called("__main__.py"):
        package = path.parent
        if package.name and not any(package.is_relative_to(home) for home in homes):
            top = _top(tree, package)
            name = ".".join(package.relative_to(top).parts)
            found.append(Program(name, path, ("python3", "-m", name), top))
    return found


def _top(tree: Tree, package: Path) -> Path:
    """The folder that a package is imported from."""
    top = package.parent
    while top.name and tree.has(top / "__init__.py"):
        top = top.parent
    return top
