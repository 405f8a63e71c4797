"""Images: the first pull's digest is held to, by a real registry; where none can be pulled, one is made here."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

from harness.errors import LabError
from harness.lab import build, engine, images
from harness.lab.components import Component, pins
from harness.lab.ports import Ports
from harness.wait import wait_until
from harness.wire.http import HttpClient

PROGRAM = pins().toxiproxy.program
NAME = "registry.test/toxiproxy:1"


@pytest.fixture
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A user cache of its own: nothing is recorded yet."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.mark.parametrize(
    ("name", "repository"),
    [
        ("clockworklabs/spacetime:v1.2.0", "clockworklabs/spacetime"),
        ("clockworklabs/spacetime", "clockworklabs/spacetime"),
        ("127.0.0.1:5000/a/b:1", "127.0.0.1:5000/a/b"),
        (f"127.0.0.1:5000/a@sha256:{'0' * 64}", "127.0.0.1:5000/a"),
        (f"a/b:1@sha256:{'0' * 64}", "a/b"),
    ],
)
def test_a_name_without_its_tag_and_digest(name: str, repository: str) -> None:
    assert images._repository(name) == repository


def test_names_have_records_of_their_own(cache: Path) -> None:
    paths = {images.record_path(name) for name in ("a/b:1", "a-b:1", "a/b:2")}
    assert len(paths) == 3
    assert all(path.parent == cache / "signoff" / "images" for path in paths)


def test_a_record_that_cannot_be_read_is_no_record_of_another_image(cache: Path) -> None:
    path = images.record_path(NAME)
    path.parent.mkdir(parents=True)
    path.write_text("{")
    with pytest.raises(LabError, match=r"cannot read what was recorded.*remove that file"):
        images.take(NAME, PROGRAM, build.toxiproxy)


def test_an_image_made_here_is_asked_for_again_after_a_while() -> None:
    component = Component("c", "1", "", "", "/c", "sha256:1")
    now = time.time()
    assert not images._to_be_asked_again(images.Recorded(NAME, "", component, now))
    assert images._to_be_asked_again(images.Recorded(NAME, "", component, now - images.ASK_AGAIN_AFTER_S - 1))
    assert not images._to_be_asked_again(images.Recorded(NAME, "sha256:2", component, 0))


def test_the_libraries_of_a_program_are_found() -> None:
    names = {path.name for path in images._libraries(Component("sh", "", "", "", "/bin/sh"))}
    assert any(name.startswith("libc.so") for name in names)
    assert any(name.startswith("ld-linux") for name in names)


@dataclass
class Registry:
    """A registry of images on this machine: Debian's docker-registry, which the lane needs."""

    port: int
    folder: Path

    def name(self, image: str) -> str:
        return f"127.0.0.1:{self.port}/{image}"

    def push(self, image: str, name: str) -> None:
        engine.ask(["tag", image, name])
        engine.ask(["push", "--quiet", name], timeout_s=60)
        engine.ask(["rmi", name])


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    with Ports() as ports:
        found = Registry(ports.take(), tmp_path / "registry")
        config = tmp_path / "registry.yml"
        config.write_text(
            f"version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: {found.folder}\n"
            f"http:\n  addr: 127.0.0.1:{found.port}\n"
        )
        with (tmp_path / "registry.log").open("wb") as log:
            child = subprocess.Popen(["docker-registry", "serve", str(config)], stdout=log, stderr=log)
        try:
            asyncio.run(_serves(found.port))
            yield found
        finally:
            child.kill()
            child.wait()


async def _serves(port: int) -> None:
    async def answers() -> bool:
        async with HttpClient(f"http://127.0.0.1:{port}") as http:
            return (await http.request("GET", "/v2/")).status_code == 200

    async def quietly() -> bool:
        try:
            return await answers()
        except Exception:
            return False

    await wait_until(quietly, timeout_ms=10_000, what="the registry")


def variant(tmp_path: Path, label: str) -> str:
    """An image of the real Toxiproxy that differs from others by a label; its id."""
    component = build.toxiproxy()
    root = tmp_path / f"{label}.tar"
    images._pack(root, {PROGRAM: Path(component.path), **{str(p): p for p in images._libraries(component)}})
    made = engine.ask(["import", "--change", f"LABEL variant={label}-{tmp_path.name}", str(root)])
    assert made.startswith("sha256:")
    return made


def no_local() -> Component:
    raise AssertionError("an image could be pulled, and none was to be made here")


def recorded(name: str) -> images.Recorded:
    return msgspec.json.decode(images.record_path(name).read_bytes(), type=images.Recorded)


@pytest.mark.docker
def test_the_first_pull_is_recorded_and_held_to(
    registry: Registry, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME")
    first, second, sha256 = variant(tmp_path, "first"), variant(tmp_path, "second"), build.toxiproxy().sha256
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    name = registry.name("toxiproxy:1")
    registry.push(first, name)
    engine.ask(["rmi", "--force", first])
    taken = images.take(name, PROGRAM, no_local)
    assert (taken.image, taken.sha256, taken.path) == (first, sha256, PROGRAM)
    assert taken.source == f"{registry.name('toxiproxy')}@{recorded(name).digest}"

    registry.push(second, name)  # the name stands for another image now
    assert images.take(name, PROGRAM, no_local) == taken, "what is there is not asked for again"
    engine.ask(["rmi", "--force", first])
    assert images.take(name, PROGRAM, no_local) == taken, "what is gone is pulled by its digest"

    engine.ask(["rmi", "--force", first])
    shutil.rmtree(registry.folder)
    with pytest.raises(LabError, match=r"was recorded as sha256:\w+, and that cannot be pulled any more.*remove"):
        images.take(name, PROGRAM, no_local)
    engine.ask(["rmi", "--force", second])


@pytest.mark.docker
def test_where_none_can_be_pulled_one_is_made_here_and_the_registry_is_asked_again_later(
    registry: Registry, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME")
    component, official = build.toxiproxy(), variant(tmp_path, "official")
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    name = registry.name("toxiproxy:2")
    made = images.take(name, PROGRAM, lambda: component)
    assert (made.sha256, made.version, made.path) == (component.sha256, component.version, PROGRAM)
    assert "made here, because none could be pulled" in made.source
    registry.push(official, name)
    assert images.take(name, PROGRAM, no_local) == made
    old = msgspec.structs.replace(recorded(name), taken_at_s=0.0)
    images.record_path(name).write_bytes(msgspec.json.encode(old))
    assert images.take(name, PROGRAM, no_local).image == official
    assert recorded(name).digest
    engine.ask(["rmi", "--force", official])


@pytest.mark.docker
def test_an_image_without_the_program_is_refused(registry: Registry, cache: Path, tmp_path: Path) -> None:
    root = tmp_path / "empty.tar"
    images._pack(root, {})
    name = registry.name("empty:1")
    empty = engine.ask(["import", "--change", f"LABEL x={tmp_path.name}", str(root)])
    registry.push(empty, name)
    with pytest.raises(LabError, match="docker run failed"):
        images.take(name, PROGRAM, no_local)
    assert not images.record_path(name).exists()
    engine.ask(["rmi", "--force", empty])
