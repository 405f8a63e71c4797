"""What is written for small trees: it parses, and what is wrong with it are the lines that are to be filled in."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from harness.config import Config
from harness.draft import draft, write
from harness.errors import ConfigError, UserError
from harness.host import ROOT
from harness.loading import load
from harness.survey.found import PARTS
from harness.survey.look import survey
from tests.harness.survey.test_look import tree, workspace
from tests.main_job.project import signoff


def problems(path: Path) -> list[str]:
    """The lines of the file that loading it complains of."""
    with pytest.raises(ConfigError) as error:
        load(path)
    lines = path.read_text(encoding="utf-8").splitlines()
    numbers = [int(number) for number in re.findall(rf"{re.escape(str(path))}:(\d+): ", str(error.value))]
    assert len(numbers) == len(str(error.value).splitlines())
    return [lines[number - 1] for number in numbers]


def filled_in(path: Path, values: list[str]) -> Config:
    """As a user does it: a value for each "?", and a module that is there."""
    text = path.read_text(encoding="utf-8")
    for value in values:
        text = re.sub(r'^(\w+ = )"\?"', rf'\1"{value}"', text, count=1, flags=re.M)
    path.write_text(text, encoding="utf-8")
    return load(path)


def test_an_empty_folder_lacks_the_module_alone(tmp_path: Path) -> None:
    write(tmp_path, tmp_path / "signoff.toml", force=False)
    assert problems(tmp_path / "signoff.toml") == ['wasm = "?"']
    (tmp_path / "m.wasm").write_bytes(b"")
    config = filled_in(tmp_path / "signoff.toml", ["m.wasm"])
    assert (config.control, config.runtime, config.desktop) == (None, None, None)
    assert config.subject.name == tmp_path.name


def test_a_workspace_is_filled_in_but_for_its_routes(tmp_path: Path) -> None:
    path = tmp_path / "signoff.toml"
    write(workspace(tmp_path), path, force=False)
    assert problems(path) == ['path = "?"'] * 3
    wasm = tmp_path / "target/wasm32-unknown-unknown/release/sync_module.wasm"
    wasm.parent.mkdir(parents=True)
    wasm.write_bytes(b"")
    config = filled_in(path, ["/session", "/token", "/events"])
    assert config.control is not None
    assert config.runtime is not None
    assert config.control.command == ["target/release/control-service"]
    assert config.runtime.publish.path == "/events"
    text = path.read_text(encoding="utf-8")
    assert "tables: sync_event" in text
    assert "cargo build --release --manifest-path services/runtime/Cargo.toml --bin rt-runtime" in text
    assert "migrate: target/release/migrate" in text


def test_what_was_not_found_is_whole_once_it_is_no_comment(tmp_path: Path) -> None:
    text = draft(survey(tmp_path), tmp_path)
    for part in PARTS:
        block = text.partition(f"# [{part}]\n")[2].partition("# -------")[0]
        table = tomllib.loads("\n".join(line.removeprefix("# ") for line in f"[{part}]\n{block}".splitlines()))
        assert {"command", "env"} <= set(table[part])


def test_a_service_that_runs_already_is_given_by_its_url(tmp_path: Path) -> None:
    tree(
        tmp_path, {"compose.yml": "services: {runtime: {ports: ['8080:80']}, desktop: {ports: ['1:1']}}", "m.wasm": ""}
    )
    path = tmp_path / "signoff.toml"
    write(tmp_path, path, force=False)
    assert problems(path) == ['path = "?"']
    config = filled_in(path, ["/events"])
    assert config.runtime is not None
    assert config.runtime.runs_at == "http://127.0.0.1:8080"
    assert config.desktop is None, "a desktop speaks on its stdin"


def test_a_guess_and_what_is_known_of_it_name_their_files(tmp_path: Path) -> None:
    compose = """
services:
  web:
    build: .
    command: [serve, --fast]
    environment: {HTTP_PORT: 80, SPACETIME_URL: "http://db:3000", "odd name": 1}
    healthcheck: {test: [CMD, curl, "http://localhost/up?now"]}
"""
    start = '{"name": "shop", "scripts": {"start": "node shop.js"}}'
    path = tmp_path / "signoff.toml"
    write(tree(tmp_path, {"compose.yaml": compose, "package.json": start, "m.wasm": ""}), path, force=False)
    assert problems(path) == ['path = "?"']
    text = path.read_text(encoding="utf-8")
    assert "# from package.json\n# A guess: nothing here is called after the runtime" in text
    assert "# compose.yaml starts it with: serve --fast" in text
    assert '(compose.yaml asks this one):\n# ready = "/up?now"\n' in text
    env = text.partition("variables, from compose.yaml:\n")[2].partition("\n\n")[0].replace("# ", "")
    assert tomllib.loads(env)["runtime"]["env"] == {
        "HTTP_PORT": "{port}", "SPACETIME_URL": "{server.url}", "odd name": "?"
    }  # fmt: skip
    assert "http://db" not in text, "values may be secrets"
    config = filled_in(path, ["/events"])
    assert config.runtime is not None
    assert config.runtime.command == ["node", "shop.js"]


def test_the_sample_is_found(tmp_path: Path) -> None:
    found = survey(ROOT / "fixtures" / "subjects" / "sample").part("runtime")
    assert found is not None
    assert (found.command, found.setting and found.setting.source) == (("node", "runtime.js"), Path(".env.example"))


def test_paths_are_relative_to_the_file_and_odd_names_are_texts(tmp_path: Path) -> None:
    names = {'we"ird {x}/m.wasm': "", "a\nb/package.json": '{"name": "x\\nclient", "scripts": {"start": "y"}}'}
    home = tmp_path / "home"
    home.mkdir()
    write(tree(tmp_path / "tree", names), home / "s.toml", force=False)
    config = load(home / "s.toml")
    assert config.module.wasm == Path('../tree/we"ird {x}/m.wasm')
    assert config.root == tmp_path / "tree"
    assert config.desktop is not None
    assert config.desktop.cwd == Path("../tree/a\nb")


def test_a_file_that_is_there_stays(tmp_path: Path) -> None:
    path = tmp_path / "signoff.toml"
    path.write_text("mine")
    with pytest.raises(UserError, match="--force"):
        write(tmp_path, path, force=False)
    assert path.read_text() == "mine"
    write(tmp_path, path, force=True)
    assert "version = 1" in path.read_text()
    with pytest.raises(UserError, match="cannot be written"):
        write(tmp_path, tmp_path / "nowhere" / "s.toml", force=False)


def test_the_command_ends_with_the_next_one(tmp_path: Path) -> None:
    workspace(tmp_path)
    ended = signoff("init", cwd=tmp_path)
    assert (ended.code, ended.err) == (0, "")
    assert "control   control-service (from services/control/Cargo.toml)" in ended.out
    assert "desktop   not found" in ended.out
    assert ended.out.splitlines()[-1].endswith("then: signoff doctor --subject")
    again = signoff("init", cwd=tmp_path)
    assert again.code == 2
    assert "--force" in again.err
    other = signoff("init", "--out", "s 2.toml", cwd=tmp_path)
    assert other.out.splitlines()[-1].endswith("signoff doctor --subject --config 's 2.toml'")
