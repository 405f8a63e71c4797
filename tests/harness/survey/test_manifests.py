"""Programs and modules by the manifests that name them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.survey.files import Tree
from harness.survey.found import Program
from harness.survey.manifests import crates, packages, plain_words, python_programs
from tests.harness.survey.test_look import tree, workspace


def test_a_cargo_workspace(tmp_path: Path) -> None:
    (module,), programs = crates(Tree(workspace(tmp_path)))
    assert (module.name, module.folder) == ("sync-module", Path("module"))
    assert module.built == Path("target/wasm32-unknown-unknown/release/sync_module.wasm")
    assert (module.tables, module.reducers) == (("sync_event",), ("append_sync_event",))
    assert [program.command for program in programs] == [
        ("target/release/control-service",), ("target/release/rt-runtime",), ("target/release/migrate",)
    ]  # fmt: skip
    assert "--manifest-path services/control/Cargo.toml --bin control-service" in programs[0].build


def test_beside_the_binary_that_runs_by_default_others_are_tools(tmp_path: Path) -> None:
    manifest = '[package]\nname = "svc"\ndefault-run = "serve"\n'
    files = {"Cargo.toml": manifest, "src/bin/serve/main.rs": "", "src/bin/serve/part.rs": "", "src/bin/dump.rs": ""}
    _, programs = crates(Tree(tree(tmp_path, files)))
    assert [(program.name, program.own) for program in programs] == [("dump", False), ("serve", True)]


@pytest.mark.parametrize(
    ("package", "started"),
    [
        ({"scripts": {"dev": "vite", "start": "node --enable-source-maps main.js"}, "bin": "x.js"},
         [("p", ("node", "--enable-source-maps", "main.js"))]),
        ({"scripts": {"dev": "vite"}}, [("p", ("npm", "run", "--silent", "dev"))]),
        ({"scripts": {"start": "node a.js && node b.js"}}, [("p", ("npm", "run", "--silent", "start"))]),
        ({"scripts": {"test": "x"}, "bin": "cli.js", "main": "main.js"}, [("p", ("node", "cli.js"))]),
        ({"bin": {"serve": "s.js", "odd": 7}}, [("serve", ("node", "s.js"))]),
        ({"main": "./main.js"}, [("p", ("node", "./main.js"))]),
        ({"main": "built/main.js"}, []),
        ({"scripts": [], "bin": [], "main": {}}, []),
    ],
)  # fmt: skip
def test_what_a_package_starts(tmp_path: Path, package: dict[str, object], started: list[object]) -> None:
    found = packages(Tree(tree(tmp_path, {"p/package.json": json.dumps(package), "p/main.js": ""})))
    assert [(program.name, program.command) for program in found] == started
    assert all(program.cwd == Path("p") for program in found)


def test_python_programs(tmp_path: Path) -> None:
    files = {
        "a/pyproject.toml": '[project.scripts]\nacme-auth = "acme.auth:main"\n',
        "a/acme/__main__.py": "",
        "b/acme/__init__.py": "",
        "b/acme/runtime/__init__.py": "",
        "b/acme/runtime/__main__.py": "",
        "c/pyproject.toml": "[project]\nname = 'c'\n",
        "__main__.py": "",
    }
    assert python_programs(Tree(tree(tmp_path, files))) == [
        Program("acme-auth", Path("a/pyproject.toml"), ("acme-auth",), build="pip install a"),
        Program("acme.runtime", Path("b/acme/runtime/__main__.py"), ("python3", "-m", "acme.runtime"), Path("b")),
    ]


def test_a_line_that_needs_a_shell_has_no_words() -> None:
    assert plain_words("node a.js --port 80") == ("node", "a.js", "--port", "80")
    assert plain_words("PORT=80 node a.js") == plain_words("a && b") == plain_words("a $PORT") == ()


@pytest.mark.timeout(20)
@pytest.mark.parametrize("word", ["#[table(", "#[reducer]", "#[reducer] #[x]", "#[reducer" + " " * 500])
def test_a_module_that_is_made_to_be_searched_for_ever_is_not(tmp_path: Path, word: str) -> None:
    manifest = '[package]\nname = "m"\n[lib]\ncrate-type = ["cdylib"]\n[dependencies]\nspacetimedb = "1"\n'
    source = word * (900_000 // len(word))
    (module,), _ = crates(Tree(tree(tmp_path, {"Cargo.toml": manifest, "src/lib.rs": source})))
    assert (module.tables, module.reducers) == ((), ())
