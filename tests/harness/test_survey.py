"""What small trees say of themselves, those that are broken included."""

from __future__ import annotations

import json
from pathlib import Path

from harness.survey import Program, survey

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


def test_a_cargo_workspace(tmp_path: Path) -> None:
    found = survey(workspace(tmp_path))
    (module,) = found.modules
    assert (module.name, module.folder) == ("sync-module", Path("module"))
    assert module.built == Path("target/wasm32-unknown-unknown/release/sync_module.wasm")
    assert (module.tables, module.reducers) == (("sync_event",), ("append_sync_event",))
    assert [program.name for program in found.programs] == ["control-service", "rt-runtime", "migrate"]
    control = found.part("control")
    assert control is not None
    assert control.command == ("target/release/control-service",)
    assert "--manifest-path services/control/Cargo.toml --bin control-service" in control.build
    assert found.part("desktop") is None, "what is built is no source"


def test_a_script_of_a_package(tmp_path: Path) -> None:
    package = {"name": "@acme/sync-desktop", "scripts": {"dev": "vite", "start": "node main.js"}}
    found = survey(tree(tmp_path, {"apps/d/package.json": json.dumps(package), "x/package.json": "{}"}))
    assert found.programs == [
        Program("@acme/sync-desktop", Path("apps/d/package.json"), ("npm", "run", "--silent", "start"), Path("apps/d"))
    ]
    assert found.part("desktop") == found.programs[0]


def test_services_of_a_compose_file(tmp_path: Path) -> None:
    compose = """
services:
  spacetime: {image: clockworklabs/spacetime, ports: ["3000:3000"]}
  db: {image: postgres}
  auth: {ports: [{target: 80, published: "8081"}], environment: {DATABASE_URL: x}}
  runtime: {ports: ["127.0.0.1:${PORT:-8080}:80/tcp", 9], environment: ["A=1", B]}
"""
    found = survey(tree(tmp_path, {"deploy/docker-compose.yml": compose}))
    source = Path("deploy/docker-compose.yml")
    assert found.programs == [
        Program("auth", source, url="http://127.0.0.1:8081", variables=("DATABASE_URL",)),
        Program("runtime", source, url="http://127.0.0.1:8080", variables=("A", "B")),
    ]


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
    assert [line.partition(":")[0] for line in found.unread] == [
        "Cargo.toml", "a/package.json", "b/package.json", "c/compose.yml"
    ]  # fmt: skip
    assert not found.programs
    assert found.wasm is None
