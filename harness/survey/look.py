"""What a source tree says of itself: its SpacetimeDB module, and programs that may be control, runtime or desktop.

Reads manifests, compose files and the names of `.wasm` files; runs and builds nothing. It guesses by names and by what
stands beside what, and whoever uses it says so and names the file.

    found = survey(Path("."))
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from harness.survey.deployment import Service, examples, processes, services
from harness.survey.files import Tree
from harness.survey.found import Program, Setting, Survey
from harness.survey.manifests import crates, packages, python_programs


def survey(folder: Path) -> Survey:
    """Look at everything below `folder`, but for what is built, fetched or hidden."""
    tree = Tree(folder)
    modules, programs = crates(tree)
    programs += packages(tree) + python_programs(tree) + processes(tree)
    programs = _joined(programs, services(tree))
    known = examples(tree)
    programs = [
        program if program.setting else replace(program, setting=_nearest(program, known)) for program in programs
    ]
    wasms = [path for path in tree.paths if path.suffix == ".wasm"]
    return Survey(folder, folder.resolve().name, modules, wasms, programs, tree.unread)


def _joined(programs: list[Program], found: list[Service]) -> list[Program]:
    """A service that is built from the folder of one program is that program, and tells how it is run; any other is a
    program by itself."""
    contexts = [service.context for service in found]
    settings, others = dict[Program, Setting | None](), list[Program]()
    for service in found:
        context = service.context
        inside = [one for one in programs if context is not None and one.source.parent.is_relative_to(context)]
        if len(inside) == 1 and contexts.count(context) == 1:
            settings[inside[0]] = service.program.setting
        else:
            others.append(service.program)
    return [replace(one, setting=settings.get(one)) for one in programs] + [one for one in others if one.url]


def _nearest(program: Program, known: dict[Path, Setting]) -> Setting | None:
    """The example in the program's own folder, or else in the nearest above it."""
    home = program.source.parent
    return next((known[folder] for folder in (home, *home.parents) if folder in known), None)
