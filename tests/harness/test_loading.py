"""signoff.toml as a file: what is wrong with one is said with its line and a suggestion."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import ConfigError
from harness.host import ROOT
from harness.loading import find, load

REFERENCE = ROOT / "fixtures" / "reference" / "signoff.toml"
LEAST = """version = 1

[subject]
name = "s"

[module]
wasm = "m.wasm"

[runtime]
command = ["run"]
[runtime.publish]
path = "/publish"
"""


def write(folder: Path, text: str) -> Path:
    (folder / "m.wasm").write_bytes(b"\0asm")
    path = folder / "signoff.toml"
    path.write_text(text)
    return path


def test_the_reference_subject_loads() -> None:
    config = load(REFERENCE)
    assert config.control is not None
    assert config.control.session[0].capture["bearer"] == "data.bearer"
    assert config.root == REFERENCE.parent
    assert (config.folder / config.module.wasm).is_file()


def test_the_least_is_enough(tmp_path: Path) -> None:
    config = load(write(tmp_path, LEAST))
    assert (config.control, config.desktop) == (None, None)
    assert config.module.tables.events.name == "sync_event"
    assert config.runtime is not None
    assert config.runtime.publish.method == "POST"


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("version = 1", "version = 1\n[lab", 2, "not valid TOML"),
        ("version = 1", "version = 9", 1, "version"),
        ("[subject]", "[subjct]", 3, "did you mean 'subject'?"),
        ('wasm = "m.wasm"', 'wasm = "m.wasm"\nafter_publsh = []', 8, "did you mean 'after_publish'?"),
        ('name = "s"', "", 3, "'subject.name' is missing"),
        ('name = "s"', 'name = ""', 4, "subject.name"),
        ('command = ["run"]', 'command = "run"', 10, "runtime.command"),
        ('command = ["run"]', "command = []", 9, "runtime: it needs a command"),
        ('command = ["run"]', 'command = ["run"]\nurl = "http://h:1"', 9, "runtime: it runs already at url"),
        ('command = ["run"]', 'url = "ftp://h"', 10, "runtime.url"),
        ("[runtime.publish]", '[runtime.stream]\npath = "/streams"\n[runtime.publish]', 11, "'runtime.stream.name'"),
        ('path = "/publish"', 'path = "publish"', 12, "runtime.publish.path"),
        ("[runtime]", '[hash]\nenvelope = "x"\n[runtime]', 10, "must hold {payload}"),
        ('wasm = "m.wasm"', 'wasm = "other.wasm"', 7, "does not exist"),
        ('wasm = "m.wasm"', "", 6, "a lab of its own publishes the module"),
        ('name = "s"', 'name = "${SIGNOFF_NOT_SET}"', 4, "SIGNOFF_NOT_SET is not set"),
    ],
)
def test_a_mistake_is_named_with_its_line(tmp_path: Path, old: str, new: str, line: int, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(write(tmp_path, LEAST.replace(old, new, 1)))
    assert said in str(caught.value)
    assert f"signoff.toml:{line}" in str(caught.value)


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    text = LEAST.replace('name = "s"', 'nam = "s"').replace('path = "/publish"', "path = 7")
    with pytest.raises(ConfigError) as caught:
        load(write(tmp_path, text))
    assert str(caught.value).count("signoff.toml:") == 3


def test_the_environment_is_written_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGNOFF_NAME", "from outside")
    config = load(write(tmp_path, LEAST.replace('"s"', '"${SIGNOFF_NAME}"')))
    assert (config.subject.name, config.secrets) == ("from outside", ("from outside",))


def test_where_something_is_is_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGNOFF_PROGRAM", "/opt/runtime")
    monkeypatch.setenv("SIGNOFF_WORD", "token-in-a-word")
    text = LEAST.replace('["run"]', '["${SIGNOFF_PROGRAM}", "${SIGNOFF_WORD}"]')
    config = load(write(tmp_path, text.replace('name = "s"', 'name = "s"\nroot = "${SIGNOFF_PROGRAM}"')))
    assert config.secrets == ("token-in-a-word",)


def test_all_variables_that_are_not_set_are_told_at_once(tmp_path: Path) -> None:
    text = LEAST.replace('["run"]', '["${SIGNOFF_NO_ONE}", "${SIGNOFF_NO_TWO}"]')
    with pytest.raises(ConfigError) as caught:
        load(write(tmp_path, text))
    assert "signoff.toml:10: the environment variable SIGNOFF_NO_ONE is not set" in str(caught.value)
    assert "SIGNOFF_NO_TWO is not set" in str(caught.value)


REMOTE = """
[lab.remote]
url = "https://there.example"
database = "d"
token = "${SIGNOFF_TOKEN}"
"""


def test_a_remote_server_is_described_and_its_token_is_a_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGNOFF_TOKEN", "eyJ")
    config = load(write(tmp_path, LEAST + '[lab]\nprovider = "remote"\n' + REMOTE))
    assert config.lab.remote is not None
    assert (config.lab.remote.token, config.lab.remote.writes, config.secrets) == ("eyJ", False, ("eyJ",))


def test_a_database_that_exists_needs_no_wasm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGNOFF_TOKEN", "eyJ")
    text = LEAST.replace('wasm = "m.wasm"', "") + '[lab]\nprovider = "{}"\n' + REMOTE
    assert load(write(tmp_path, text.replace("{}", "remote"))).module.wasm is None
    with pytest.raises(ConfigError, match=r"judged with \[lab\] provider = 'remote'"):
        load(write(tmp_path, text.replace("{}", "auto")))


@pytest.mark.parametrize(
    ("tail", "said"),
    [
        ('[lab]\nprovider = "remote"\n', "needs the table [lab.remote]"),
        (REMOTE.replace("${SIGNOFF_TOKEN}", "eyJ.in.the.open"), 'write it as "${NAME}"'),
        (REMOTE.replace("https://there.example", "there.example"), "lab.remote.url"),
        (REMOTE.replace("https://there.example", "https://there.example/path"), "lab.remote.url"),
        (REMOTE.replace('database = "d"', 'database = ""'), "lab.remote.database"),
        (REMOTE + "write = true\n", "did you mean 'writes'?"),
    ],
)
def test_a_remote_server_that_is_described_badly_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tail: str, said: str
) -> None:
    monkeypatch.setenv("SIGNOFF_TOKEN", "eyJ")
    with pytest.raises(ConfigError) as caught:
        load(write(tmp_path, LEAST + tail))
    assert said in str(caught.value)
    assert "eyJ" not in str(caught.value)


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"\x00"])
def test_a_file_that_is_no_text_is_an_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "signoff.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigError):
        load(path)


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot read it"):
        load(tmp_path / "signoff.toml")


@pytest.mark.parametrize(
    "session",
    ['path = "/login"', 'command = ["login"]', 'values = { bearer = "known" }'],
)
def test_a_session_is_a_request_a_command_or_known_values(tmp_path: Path, session: str) -> None:
    step = f"[[control.session]]\n{session}\n"
    text = f'{LEAST}[control]\nurl = "https://control.test"\n[control.mint]\npath = "/token"\n'
    config = load(write(tmp_path, text + step))
    assert config.control is not None
    assert (config.control.runs_at, len(config.control.session)) == ("https://control.test", 1)
    with pytest.raises(ConfigError, match="a step has either path"):
        load(write(tmp_path, f'{text}{step}[[control.session]]\nvalues = {{ a = "b" }}\npath = "/x"\n'))


def test_a_secret_is_not_told_in_a_mistake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGNOFF_SECRET", "hunter2-hunter2")
    text = LEAST.replace('path = "/publish"', 'path = "${SIGNOFF_SECRET}"')
    with pytest.raises(ConfigError) as caught:
        load(write(tmp_path, text))
    assert "hunter2" not in str(caught.value)


def test_it_is_found_upward(tmp_path: Path) -> None:
    path = write(tmp_path, LEAST)
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    assert find(below) == path
    with pytest.raises(ConfigError, match="give one with --config"):
        find(Path("/proc"))


def test_a_variable_that_is_spelled_oddly_is_told_all_the_same(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="SIGNOFF_NO_ONE is not set"):
        load(write(tmp_path, LEAST.replace('["run"]', '["\\u0024{SIGNOFF_NO_ONE}"]')))


def test_a_file_that_is_nested_too_deeply_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nested too deeply"):
        load(write(tmp_path, f"a = {'[' * 50_000}{']' * 50_000}\n"))
