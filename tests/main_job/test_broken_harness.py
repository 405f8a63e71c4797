"""A harness that is broken itself must never give a success: renamed gates, skipped tests, checkers that raise."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.main_job.project import copy_project, run, signoff

pytestmark = pytest.mark.lab

GATE = "module/published"


def alter(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_a_gate_whose_id_is_changed_is_missing(tmp_path: Path) -> None:
    project = copy_project(tmp_path / "project")
    alter(project / "gates" / "test_module.py", f'"{GATE}"', '"module/publishedd"')
    ended, gates = run(project, tmp_path / "reports", GATE, "contract/hash-vectors")
    assert ended.code == 3
    assert gates[GATE]["verdict"] == "MISSING"
    assert gates["contract/hash-vectors"]["verdict"] == "PASS"
    assert "no test declares this gate" in gates[GATE]["reasons"][0]  # type: ignore[index]


def test_a_gate_without_its_test_prefix_is_missing(tmp_path: Path) -> None:
    project = copy_project(tmp_path / "project")
    alter(project / "gates" / "test_module.py", "def test_module_published", "def module_published")
    ended, gates = run(project, tmp_path / "reports", GATE)
    assert (ended.code, gates[GATE]["verdict"]) == (3, "MISSING")


def test_all_tests_skipped_is_no_success(tmp_path: Path) -> None:
    project = copy_project(tmp_path / "project")
    (project / "gates" / "conftest.py").write_text(
        "import pytest\n\n\ndef pytest_collection_modifyitems(items):\n"
        "    for item in items:\n        item.add_marker(pytest.mark.skip(reason='not today'))\n"
    )
    ended, gates = run(project, tmp_path / "reports", GATE, "contract/hash-vectors")
    assert ended.code == 3
    assert {gates[GATE]["verdict"], gates["contract/hash-vectors"]["verdict"]} == {"MISSING"}


def test_a_checker_that_raises_is_unknown(tmp_path: Path) -> None:
    project = copy_project(tmp_path / "project")
    path = project / "harness" / "checkers" / "contract.py"
    alter(
        path,
        "    def check(self, history: History) -> CheckResult:\n",
        "    def check(self, history: History) -> CheckResult:\n        raise ZeroDivisionError\n",
    )
    ended, gates = run(project, tmp_path / "reports", GATE)
    assert (ended.code, gates[GATE]["verdict"]) == (3, "UNKNOWN")
    assert "the checker raised ZeroDivisionError" in gates[GATE]["reasons"][0]  # type: ignore[index]


def test_a_gate_file_that_cannot_be_imported_loses_all_its_gates(tmp_path: Path) -> None:
    project = copy_project(tmp_path / "project")
    (project / "gates" / "test_module.py").write_text("def broken(:\n")
    ended, gates = run(project, tmp_path / "reports", GATE)
    assert (ended.code, gates[GATE]["verdict"]) == (3, "MISSING")


def test_a_server_that_only_answers_ping_is_exit_4(tmp_path: Path) -> None:
    """G12: another server answered. It cannot publish the module, so there is no lab."""
    fake = tmp_path / "spacetimedb-standalone"
    fake.write_text(
        "#!/usr/bin/env python3\nimport sys, http.server\n"
        "if '--version' in sys.argv:\n    print('spacetimedb tool version 1.2.0'); sys.exit()\n"
        "class Ping(http.server.BaseHTTPRequestHandler):\n"
        "    def do_GET(self):\n        self.send_response(200)\n"
        "        self.send_header('content-length', '0')\n        self.end_headers()\n"
        "host, port = sys.argv[sys.argv.index('--listen-addr') + 1].split(':')\n"
        "http.server.ThreadingHTTPServer((host, int(port)), Ping).serve_forever()\n"
    )
    fake.chmod(0o755)
    project = copy_project(tmp_path / "project")
    from harness.lab import build

    toxiproxy = build.toxiproxy().path
    alter(
        project / "fixtures" / "reference" / "signoff.toml",
        'provider = "auto"',
        f'provider = "binary"\nspacetimedb = "{fake}"\ntoxiproxy = "{toxiproxy}"',
    )
    ended, _ = run(project, tmp_path / "reports", GATE)
    assert ended.code == 4
    assert "the module could not be published" in ended.err


def test_a_server_binary_that_was_replaced_in_the_cache_is_exit_4(tmp_path: Path) -> None:
    from harness.lab.components import cache_root

    cache = tmp_path / "cache"
    for source in cache_root().glob("*/*/component.json"):
        folder = cache / "signoff" / source.parent.relative_to(cache_root())
        folder.mkdir(parents=True)
        for file in source.parent.iterdir():
            (folder / file.name).symlink_to(file)
    server = next(cache.glob("signoff/spacetimedb-standalone/*/spacetimedb-standalone"))
    server.unlink()
    server.write_text("#!/bin/sh\nexit 0\n")
    ended = signoff("lab", "install", env={"XDG_CACHE_HOME": str(cache)})
    assert ended.code == 4
    assert "is not the program that was installed" in ended.err


def test_a_name_that_no_gate_has_is_exit_2(tmp_path: Path) -> None:
    ended = signoff("run", "--config", "fixtures/reference/signoff.toml", "--only", "module/publishd")
    assert ended.code == 2
    assert "did you mean 'module/published'?" in ended.err
