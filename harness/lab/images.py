"""The images that the lab's programs come in: pulled once and held to, or made here where none can be pulled.

The first pull of a name records the digest that it stood for, and the id of the content; from then on that content
runs, whatever the name stands for later. Where no registry can be reached, an image is made from the pinned program of
the user cache, and after a while the registry is asked again. The program in the image is taken out and hashed, so
that a signoff names exactly what ran.

    CACHE/images/clockworklabs-spacetime-v1.2.0-1f0c2a77.json

    component = take("clockworklabs/spacetime:v1.2.0", "/opt/spacetime/spacetimedb-standalone", build.spacetimedb)
"""

from __future__ import annotations

import hashlib
import platform
import re
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from harness import process, tool
from harness.errors import LabError
from harness.lab import engine
from harness.lab.build import locked
from harness.lab.components import Component, cache_root, sha256_file

PULL_TIMEOUT_S = 900  # 100 MB on a slow line
MAKE_TIMEOUT_S = 120
LDD_TIMEOUT_S = 20
ASK_AGAIN_AFTER_S = 3600  # a machine without a registry must not wait for one at each run
_DIGEST = re.compile(r"@(sha256:[0-9a-f]{64})$")


class Recorded(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a name stood for when it was first taken. `digest` is the registry's, and empty for an image made here."""

    name: str
    digest: str
    component: Component
    taken_at_s: float


def take(name: str, program: str, local: Callable[[], Component]) -> Component:
    """The program of the image of this name. LabError when it is not what was recorded, or cannot be had."""
    path = record_path(name)
    with locked(path.parent, "images"):
        recorded = _read(path)
        if recorded is not None and _is_there(recorded.component.image) and not _to_be_asked_again(recorded):
            return recorded.component
        if recorded is not None and recorded.digest:
            digest, said = recorded.digest, _pull(f"{_repository(name)}@{recorded.digest}")
            if said:
                raise LabError(
                    f"the image {name} was recorded as {digest}, and that cannot be pulled any more: {said}",
                    where=str(path),
                    hint="to take what its name stands for now, remove that file",
                )
        else:
            said = _pull(name)
            digest = "" if said else _digest_of(name)
        if digest:
            component = _inspected(f"{_repository(name)}@{digest}", name, program)
        else:
            component = _made_here(local(), program, why=said)
        if recorded is not None and recorded.digest and component != recorded.component:
            raise LabError(f"the image {name} by its digest is not what was recorded", where=str(path))
        path.write_bytes(msgspec.json.encode(Recorded(name, digest, component, time.time())))
        return component


def record_path(name: str) -> Path:
    readable = re.sub(r"[^A-Za-z0-9.]+", "-", name)
    return cache_root() / "images" / f"{readable}-{hashlib.sha256(name.encode()).hexdigest()[:8]}.json"


def _read(path: Path) -> Recorded | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Recorded)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError) as error:
        raise LabError(f"cannot read what was recorded: {error}", where=str(path), hint="remove that file") from error


def _to_be_asked_again(recorded: Recorded) -> bool:
    return not recorded.digest and time.time() - recorded.taken_at_s > ASK_AGAIN_AFTER_S


def _repository(name: str) -> str:
    """The name without its tag and digest: a colon before a slash belongs to a port.

    >>> _repository("127.0.0.1:5000/spacetime:v1")
    '127.0.0.1:5000/spacetime'
    """
    bare = _DIGEST.sub("", name)
    head, slash, last = bare.rpartition("/")
    return head + slash + last.partition(":")[0]


def _is_there(image: str) -> bool:
    try:
        engine.ask(["image", "inspect", "--format", "{{.Id}}", image])
    except LabError:
        return False
    return True


def _pull(name: str) -> str:
    """Why it could not be pulled; nothing when it could."""
    print(f"signoff: pulling the image {name} (once)", file=sys.stderr, flush=True)
    try:
        engine.ask(["pull", "--quiet", name], timeout_s=PULL_TIMEOUT_S)
    except LabError as error:
        return error.what
    return ""


def _digest_of(name: str) -> str:
    """The registry's digest of what was just pulled by this name."""
    said = engine.ask(["image", "inspect", "--format", "{{json .RepoDigests}}", name])
    for one in msgspec.json.decode(said, type=list[str]):
        found = _DIGEST.search(one)
        if found is not None and _repository(one).removeprefix("docker.io/") == _repository(name):
            return found[1]
    raise LabError(f"the engine names no digest of {name}: it says {said}")


def _inspected(by_digest: str, name: str, program: str) -> Component:
    image = engine.ask(["image", "inspect", "--format", "{{.Id}}", by_digest])
    run = ["run", "--rm", "--network", "none", *engine.label_words("images"), "--entrypoint", program]
    version = engine.ask([*run, image, "--version"]).splitlines()
    title = Path(program).name
    return Component(title, version[0] if version else "unknown", _sha256_in(image, program), by_digest, program, image)


def _sha256_in(image: str, program: str) -> str:
    """The digest of the program, taken out of the image."""
    made = engine.ask(["create", *engine.label_words("images"), "--entrypoint", program, image])
    try:
        with tempfile.TemporaryDirectory(prefix=process.WORK_PREFIX) as work:
            copy = Path(work) / "program"
            engine.ask(["cp", "--follow-link", f"{made}:{program}", str(copy)])
            return sha256_file(copy)
    finally:
        engine.ask(["rm", "--force", made])


def _made_here(component: Component, program: str, *, why: str) -> Component:
    """An image with this program, the libraries that it loads, and nothing else."""
    if platform.system() != "Linux":
        raise LabError(f"no image can be pulled ({why}), and this machine's own programs run in no linux container")
    tag = f"signoff/{component.name}:{component.version}-{component.sha256[:12]}"
    if not _is_there(tag):
        with tempfile.TemporaryDirectory(prefix=process.WORK_PREFIX) as work:
            root = Path(work) / "root.tar"
            _pack(root, {program: Path(component.path), **{str(path): path for path in _libraries(component)}})
            engine.ask(["import", str(root), tag], timeout_s=MAKE_TIMEOUT_S)
    image = engine.ask(["image", "inspect", "--format", "{{.Id}}", tag])
    found = _sha256_in(image, program)
    if found != component.sha256:
        raise LabError(f"the image {tag} holds another program than {component.path}", hint=f"docker rmi {tag}")
    source = f"{component.source}; in an image made here, because none could be pulled: {why.rpartition(': ')[2]}"
    return msgspec.structs.replace(component, source=source, path=program, image=image)


def _pack(root: Path, files: dict[str, Path]) -> None:
    """A file system with these files, and a place for temporary ones."""
    with tarfile.open(root, "w") as tar:
        for name, path in files.items():
            info = tarfile.TarInfo(name.lstrip("/"))
            info.size, info.mode = path.stat().st_size, 0o755
            with path.open("rb") as file:
                tar.addfile(info, file)
        place = tarfile.TarInfo("tmp")
        place.type, place.mode = tarfile.DIRTYPE, 0o1777
        tar.addfile(place)


def _libraries(component: Component) -> list[Path]:
    """The shared libraries that the program loads, by their names on this machine; none for a static one."""
    said = tool.run(["ldd", component.path], timeout_s=LDD_TIMEOUT_S)
    return [Path(found) for found in re.findall(r"(?:=> |^\s*)(/\S+) \(0x", said.stdout, re.MULTILINE)]
