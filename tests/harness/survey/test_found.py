"""Which part a program is given: by the words of names, and by what is left over."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.survey.found import Module, Program, Setting, Survey, part_of


def program(name: str, folder: str = "x", **fields: object) -> Program:
    return Program(name, Path(folder) / "package.json", **{"command": ("run",), **fields})  # type: ignore[arg-type]


def part(name: str, *programs: Program) -> str | None:
    found = Survey(Path(), "x", programs=list(programs)).part(name)
    return found.name if found is not None else None


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Acme_Control", "control"),
        ("sync-client", "desktop"),
        ("runtimes", None),
        ("", None),
        ("a.projector", "runtime"),
    ],
)
def test_a_part_by_the_words_of_a_name(name: str, expected: str | None) -> None:
    assert part_of(name) == expected


def test_the_folder_decides_where_the_name_says_nothing() -> None:
    assert program("api", "services/runtime").part == "runtime"
    assert program("auth", "services/runtime").part == "control"
    assert part("runtime", program("api", "runtime"), program("runtime")) == "runtime", "a name goes before a folder"


def test_the_service_in_a_compose_file_decides_where_neither_says_anything() -> None:
    setting = Setting(Path("compose.yml"), called="sync-runtime")
    assert program("api", setting=setting).part == "runtime"
    assert program("auth", setting=setting).part == "control"


def test_what_can_be_started_goes_before_what_runs_already() -> None:
    assert part("runtime", program("runtime-a", command=(), url="http://h"), program("runtime-b")) == "runtime-b"
    assert part("desktop", program("desktop", command=(), url="http://h")) is None


def test_the_one_program_without_a_part_is_the_runtime_at_a_guess() -> None:
    assert part("runtime", program("sample"), program("auth")) == "sample"
    assert part("runtime", program("sample"), program("migrate", own=False)) == "sample"
    assert part("runtime", program("sample"), program("other")) is None, "of two none is likelier"
    assert part("runtime", program("sample"), program("publisher")) == "publisher", "no guess where a name says it"
    assert part("control", program("sample")) is None, "only a subject without a runtime is none"


def test_a_wasm_in_the_modules_crate_is_likelier() -> None:
    module = Module("m", Path("m"), Path("t"), (), ())
    assert Survey(Path(), "x", [module], [Path("a.wasm"), Path("m/b.wasm")]).wasm == Path("m/b.wasm")
    assert Survey(Path(), "x").wasm is None
