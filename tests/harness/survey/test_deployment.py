"""How programs are run, by the files that say so."""

from __future__ import annotations

from pathlib import Path

from harness.survey.deployment import examples, processes, services
from harness.survey.files import Tree
from harness.survey.found import Program, Setting
from tests.harness.survey.test_look import tree


def test_services_of_a_compose_file(tmp_path: Path) -> None:
    compose = """
services:
  spacetime: {image: clockworklabs/spacetime, ports: ["3000:3000"]}
  db: {image: postgres}
  cache: {image: redis, ports: ["6379:6379"]}
  auth: {build: ../auth, ports: [{target: 80, published: "8081"}], environment: {DATABASE_URL: x}, command: [a, -p, 80]}
  runtime:
    build: {context: ..}
    ports: ["127.0.0.1:${PORT:-8080}:80/tcp", 9]
    environment: ["A=1", B]
    healthcheck: {test: [CMD, curl, -f, "http://localhost:80/ready"]}
  far: {build: "https://example.test/far.git", ports: ["1:1"]}
  worker: {build: ../worker}
"""
    source = Path("deploy/docker-compose.yml")
    found = services(Tree(tree(tmp_path, {str(source): compose})))
    assert [(one.program.name, one.program.url, one.program.own, one.context) for one in found] == [
        ("cache", "http://127.0.0.1:6379", False, None),
        ("auth", "http://127.0.0.1:8081", True, Path("auth")),
        ("runtime", "http://127.0.0.1:8080", True, Path()),
        ("far", "http://127.0.0.1:1", False, None),
        ("worker", "", True, Path("worker")),
    ]
    assert found[1].program.setting == Setting(source, ("DATABASE_URL",), "", "a -p 80", found[1].program.name)
    assert found[2].program.setting == Setting(source, ("A", "B"), "/ready", called=found[2].program.name)


def test_odd_values_in_a_compose_file_are_none(tmp_path: Path) -> None:
    lines = (
        "a: {ports: ['1:1'], build: 7, command: {x: y}, environment: 3, healthcheck: [x], image: [spacetime]}",
        "b: {ports: [[['1:1']], {published: {}}, null], build: /abs, environment: [{A: B}, null]}",
        "c: {ports: {}, build: ../../out}",
        "d: [x]",
    )
    found = services(Tree(tree(tmp_path, {"compose.yml": "services:\n" + "".join(f"  {line}\n" for line in lines)})))
    assert found == []


def test_aliases_that_multiply_take_no_time(tmp_path: Path) -> None:
    bomb = "".join(f"x{n}: &x{n} [{', '.join([f'*x{n - 1}'] * 9) if n else 'lol'}]\n" for n in range(12))
    text = f"{bomb}services: {{a: {{ports: *x11, environment: *x11, command: *x11, build: ., image: *x11}}}}\n"
    assert [one.program.setting for one in services(Tree(tree(tmp_path, {"compose.yml": text})))] == [
        Setting(Path("compose.yml"), called="a")
    ]


def test_merges_that_multiply_are_refused(tmp_path: Path) -> None:
    levels = "".join(f"x{n}: &x{n} {{<<: [{', '.join([f'*x{n - 1}'] * 9)}]}}\n" for n in range(1, 12))
    tree_of = Tree(tree(tmp_path, {"compose.yml": f"x0: &x0 {{a: 1}}\n{levels}services: {{a: {{<<: *x11}}}}\n"}))
    assert services(tree_of) == []
    assert "merges grow beyond" in tree_of.unread[0]


def test_what_is_merged_counts(tmp_path: Path) -> None:
    compose = "x-common: &common {environment: [A=1]}\nservices: {a: {<<: *common, ports: ['1:1']}}"
    (one,) = services(Tree(tree(tmp_path, {"compose.yml": compose})))
    assert one.program.setting == Setting(Path("compose.yml"), ("A",), called="a")


def test_processes_of_a_procfile(tmp_path: Path) -> None:
    lines = "# not one\nweb: node server.js\nruntime:  PORT=$PORT ./run\nbroken\n"
    source, folder = Path("p/Procfile"), Path("p")
    assert processes(Tree(tree(tmp_path, {str(source): lines}))) == [
        Program("web", source, ("node", "server.js"), folder),
        Program("runtime", source, ("sh", "-c", "exec PORT=$PORT ./run"), folder),
    ]


def test_variables_of_an_example_without_their_values(tmp_path: Path) -> None:
    text = "# A=1\nexport PORT=80\nTOKEN=hush\nPORT=81\n not a line\n"
    found = examples(Tree(tree(tmp_path, {"a/.env.example": text, "b/.env": "SECRET=1", "c/.env.sample": ""})))
    assert found == {Path("a"): Setting(Path("a/.env.example"), ("PORT", "TOKEN"))}


def test_a_number_of_thousands_of_digits_is_no_word(tmp_path: Path) -> None:
    compose = f"services: {{a: {{command: [run, 0x{'f' * 5_000}], ports: ['1:1']}}}}"
    (one,) = services(Tree(tree(tmp_path, {"compose.yml": compose})))
    assert one.program.setting is not None
    assert one.program.setting.command == "run"
