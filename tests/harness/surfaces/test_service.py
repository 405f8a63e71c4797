"""An HTTP surface: started, awaited, probed; its answers beside what was documented."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from harness.config import HttpSurfaceConfig
from harness.errors import SubjectError
from harness.evidence.recorder import Recorder
from harness.history import Contract, History, RouteProbed, unpack
from harness.lab.ports import Ports
from harness.lab.relay import Relay
from harness.surfaces.child import Child
from harness.surfaces.service import Place, Service
from harness.wait import WaitedTooLong

SERVER = """
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def answer(self):
        known = {"/healthz": 200, "/moved": 308}
        self.send_response(known.get(self.path, 404))
        if self.path == "/moved":
            self.send_header("location", "/healthz")
        self.send_header("content-length", "0")
        self.end_headers()
    do_GET = do_POST = do_HEAD = answer
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


def with_service(
    tmp_path: Path, story: Callable[[Service], Awaitable[None]], script: str = SERVER, timeout_ms: int = 5_000
) -> History:
    async def play() -> History:
        with Ports() as ports, Recorder(tmp_path / "h.jsonl", "s") as record:
            port = ports.take()
            relay = Relay("harness-part", ports.take(), ("127.0.0.1", port))
            await relay.start()
            config = HttpSurfaceConfig(command=[sys.executable, "-c", script, "{port}"], ready_timeout_ms=timeout_ms)
            child = Child("part", config, tmp_path, tmp_path / "logs", scenario="service-test")
            service = Service(child, config, Place(f"http://127.0.0.1:{port}", relay), record)
            try:
                await service.start({"port": port})
                await story(service)
            finally:
                await service.close()
                await relay.close()
            return record.history()

    return asyncio.run(play())


def test_the_way_to_a_service_has_the_path_of_its_url() -> None:
    relay = Relay("x", 1234, ("127.0.0.1", 1))
    place = Place("http://there.test:81/api", relay)
    assert (place.way, place.host) == ("http://127.0.0.1:1234/api", "there.test:81")
    assert Place("https://there.test/api", None).way == "https://there.test/api"


def test_routes_are_probed_as_they_answer(tmp_path: Path) -> None:
    async def story(service: Service) -> None:
        await service.probe_ready()
        await service.probe("GET", "/old", retired=True)
        await service.probe("POST", "/moved", retired=True)
        await service.child.kill()
        await service.probe("GET", "/old", retired=True)

    probes = with_service(tmp_path, story).of("route")
    assert [(op.phase, op.status) for op in probes] == [("ok", 200), ("ok", 404), ("ok", 308), ("fail", None)]
    assert unpack(probes[2], RouteProbed).location == "/healthz"
    assert probes[3].error


def test_documented_answers_stand_beside_what_came(tmp_path: Path) -> None:
    async def story(service: Service) -> None:
        assert service.expect("a number", 1, "1")
        assert not service.expect("a word", "yes", None)

    ops = with_service(tmp_path, story).of("request")
    assert [(op.phase, unpack(op, Contract).observed) for op in ops] == [("ok", "1"), ("fail", "None")]


def test_one_that_ends_at_its_start_says_why(tmp_path: Path) -> None:
    async def story(service: Service) -> None:
        raise AssertionError("must not be reached")

    with pytest.raises(SubjectError, match="PART_URL is missing"):
        with_service(tmp_path, story, "import sys; print('PART_URL is missing'); sys.exit(78)")


def test_one_that_stays_silent_is_not_waited_for_beyond_its_limit(tmp_path: Path) -> None:
    async def story(service: Service) -> None:
        raise AssertionError("must not be reached")

    with pytest.raises(WaitedTooLong, match="part to answer /healthz"):
        with_service(tmp_path, story, "import time; print('thinking', flush=True); time.sleep(60)", timeout_ms=500)


def test_one_that_runs_already_is_spoken_to_and_never_stopped(tmp_path: Path) -> None:
    """And whoever must stop it is told which line stands in the way."""

    async def story(service: Service) -> None:
        place = Place(service.place.url, None)
        there = HttpSurfaceConfig(url=service.place.url)
        other = Service(Child("there", there, tmp_path, tmp_path / "logs", scenario="s"), there, place, service.record)
        await other.start({})
        await other.probe_ready()
        for forbidden in (other.child.stop, other.child.kill):
            with pytest.raises(SubjectError, match=r"give \[there\] a command in place of its url"):
                await forbidden()
        with pytest.raises(SubjectError, match="nothing can be answered in the place of"):
            place.interpose(None)
        await other.close()
        await service.probe_ready()

    assert [op.status for op in with_service(tmp_path, story).of("route")] == [200, 200]


def test_one_that_runs_nowhere_is_not_waited_for_beyond_its_limit(tmp_path: Path) -> None:
    async def play() -> None:
        config = HttpSurfaceConfig(url="http://127.0.0.1:9", ready_timeout_ms=300)
        with Recorder(tmp_path / "h.jsonl", "s") as record:
            child = Child("there", config, tmp_path, tmp_path / "logs", scenario="s")
            service = Service(child, config, Place(config.runs_at, None), record)
            try:
                await service.start({})
            finally:
                await service.close()

    with pytest.raises(WaitedTooLong, match=r"there to answer /healthz \(at http://127.0.0.1:9\)"):
        asyncio.run(play())
