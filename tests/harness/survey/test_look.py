"""What small trees say of themselves, those that are broken included."""

from __future__ import annotations

from pathlib import Path

from harness.survey.found import Program, Setting
from harness.survey.look import survey

MODULE = """
[package]
name = "sync-module"
[lib]
crate-type = ["cdylib"]
[dependencies]
spacetimedb = { workspace = true }
"""
SOURCE = """
#[spacetimedb::table(name = sync_event, public)]
pub struct SyncEvent {}
#[reducer]
pub fn append_sync_event(ctx: &ReducerContext) {}
#[spacetimedb::reducer(init)]
pub fn init(ctx: &ReducerContext) {}
"""


def tree(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def workspace(folder: Path) -> Path:
    return tree(
        folder,
        {
            "Cargo.toml": '[workspace]\nmembers = ["services/*", "module"]\n',
            "module/Cargo.toml": MODULE,
            "module/src/lib.rs": SOURCE,
            "services/control/Cargo.toml": '[package]\nname = "control-service"\n',
            "services/control/src/main.rs": "",
            "services/runtime/Cargo.toml": '[package]\nname = "rt"\n[[bin]]\nname = "rt-runtime"\npath = "x.rs"\n',
            "services/runtime/src/bin/migrate.rs": "",
            "target/debug/Cargo.toml": '[package]\nname = "built-desktop"\n',
            "target/debug/src/main.rs": "",
        },
    )


def test_a_workspace(tmp_path: Path) -> None:
    found = survey(workspace(tmp_path))
    assert [module.name for module in found.modules] == ["sync-module"]
    assert [program.name for program in found.programs] == ["control-service", "rt-runtime", "migrate"]
    control, runtime = found.part("control"), found.part("runtime")
    assert control is not None and runtime is not None
    assert (control.name, runtime.name) == ("control-service", "rt-runtime")
    assert found.part("desktop") is None, "what is built is no source"


def test_what_can_be_started_goes_before_what_runs_already(tmp_path: Path) -> None:
    compose = "services: {runtime: {ports: ['8080:80']}}"
    found = survey(tree(workspace(tmp_path), {"A/compose.yaml": compose}))
    runtime = found.part("runtime")
    assert runtime is not None
    assert runtime.command


def test_a_wasm_of_the_module_goes_before_another(tmp_path: Path) -> None:
    found = survey(tree(workspace(tmp_path), {"assets/other.wasm": "", "module/sync.wasm": ""}))
    assert found.wasm == Path("module/sync.wasm")
    assert len(found.wasms) == 2


def test_what_cannot_be_read_is_told_and_no_error(tmp_path: Path) -> None:
    broken = {
        "Cargo.toml": "[package",
        "a/package.json": "{",
        "b/package.json": "[1]",
        "c/compose.yml": "a: [",
        "d/compose.yml": "services: [x]",
        "e/compose.yml": "services: {runtime: {ports: no}, auth: {ports: [{}]}}",
        "f/package.json": '{"name": 7, "scripts": []}',
        "g/Cargo.toml": "package = 3\nlib = 4\n",
    }
    found = survey(tree(tmp_path, broken))
    assert [line.partition(":")[0] for line in sorted(found.unread)] == [
        "Cargo.toml", "a/package.json", "b/package.json", "c/compose.yml"
    ]  # fmt: skip
    assert not found.programs
    assert found.wasm is None


def test_a_service_built_from_a_programs_folder_tells_how_that_is_run(tmp_path: Path) -> None:
    compose = """
services:
  web: {build: ./svc, ports: ["8080:80"], environment: {PORT: 80}, healthcheck: {test: curl -f http://localhost/up}}
  elsewhere: {build: ./go, ports: ["8081:80"]}
"""
    package = '{"scripts": {"start": "node a.js"}}'
    found = survey(tree(tmp_path, {"compose.yaml": compose, "svc/package.json": package}))
    said = Setting(Path("compose.yaml"), ("PORT",), "/up", called="web")
    assert found.programs[0] == Program("svc", Path("svc/package.json"), ("node", "a.js"), Path("svc"), setting=said)
    assert [program.name for program in found.programs] == ["svc", "elsewhere"]


def test_a_folder_that_several_services_are_built_from_is_none_of_them(tmp_path: Path) -> None:
    compose = "services: {a: {build: ., ports: ['1:1']}, b: {build: ., ports: ['2:2']}}"
    found = survey(tree(tmp_path, {"compose.yaml": compose, "package.json": '{"scripts": {"start": "node a.js"}}'}))
    assert [(program.url, program.setting is None) for program in found.programs] == [
        ("", True), ("http://127.0.0.1:1", False), ("http://127.0.0.1:2", False)
    ]  # fmt: skip


def test_variables_come_from_the_nearest_example(tmp_path: Path) -> None:
    start = '{"scripts": {"start": "x"}}'
    files = {".env.example": "A=1", "a/.env.sample": "B=1\nB=2", "a/b/package.json": start, "c/package.json": start}
    found = survey(tree(tmp_path, files))
    assert [program.setting for program in found.programs] == [
        Setting(Path("a/.env.sample"), ("B",)), Setting(Path(".env.example"), ("A",))
    ]  # fmt: skip
