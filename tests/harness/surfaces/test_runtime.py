"""What counts as acknowledged, refused, or perhaps: one table."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from harness.config import HashConfig, RuntimeConfig
from harness.errors import SubjectError
from harness.evidence.recorder import Recorder
from harness.history import History, Opened, unpack
from harness.surfaces.child import Child
from harness.surfaces.runtime import RuntimeSurface, outcome
from harness.surfaces.service import Place
from harness.surfaces.web import NoAnswer, Reply


def reply(status: int, *, expected: bool = False) -> Reply:
    return Reply(status, "", None, {}, {}, expected)


@pytest.mark.parametrize(
    ("answer", "failure", "phase"),
    [
        (reply(201, expected=True), None, "ok"),
        (reply(409), None, "fail"),
        (reply(422), None, "fail"),
        (reply(500), None, "info"),
        (reply(503), None, "info"),
        (reply(302), None, "info"),
        (reply(200), None, "info"),
        (None, NoAnswer("refused", sent=False), "fail"),
        (None, NoAnswer("cut", sent=True), "info"),
        (None, None, "info"),
    ],
)
def test_outcome(answer: Reply | None, failure: NoAnswer | None, phase: str) -> None:
    assert outcome(answer, failure) == phase


class Talk:
    """An HTTP service with one answer, over a real socket; keeps the requests' heads."""

    def __init__(self, status: int, body: str) -> None:
        self.status, self.body, self.heads = status, body, list[str]()

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.heads.append((await reader.readuntil(b"\r\n\r\n")).decode())
        head = f"HTTP/1.1 {self.status} x\r\nconnection: close\r\ncontent-length: {len(self.body)}\r\n\r\n"
        writer.write((head + self.body).encode())
        await writer.drain()
        writer.close()


CONFIG = RuntimeConfig.model_validate(
    {
        "url": "http://there",
        "stream": {
            "path": "/runs", "expect": [201], "capture": {"run_id": "run.id"}, "name": "run.{run_id}.events",
            "events": 1,
        },
        "publish": {"path": "/runs/{run_id}/events", "body": {"payload": "{payload}"}, "expect": [201]},
    }
)  # fmt: skip


def with_runtime(tmp_path: Path, talk: Talk, story: Callable[[RuntimeSurface], Awaitable[None]]) -> History:
    async def play() -> History:
        server = await asyncio.start_server(talk, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        with Recorder(tmp_path / "h.jsonl", "s") as record:
            child = Child("runtime", CONFIG, tmp_path, tmp_path, scenario="s")
            runtime = RuntimeSurface(child, CONFIG, HashConfig(), Place(url, None), record)
            try:
                await story(runtime)
            finally:
                await runtime.close()
                server.close()
            return record.history()

    return asyncio.run(play())


def test_a_stream_is_opened_and_published_into_by_what_was_captured(tmp_path: Path) -> None:
    talk = Talk(201, '{"run":{"id":"r-7"}}')

    async def story(runtime: RuntimeSurface) -> None:
        assert await runtime.open_stream("ignored") == "run.r-7.events"
        said = await runtime.publish("run.r-7.events", {"signoff_key": "k"}, "i")
        assert (said.phase, runtime.own_events) == ("ok", {"run.r-7.events": 1})
        with pytest.raises(SubjectError, match=r"seq in capture of \[runtime\.publish\]"):
            runtime.must_say("seq")

    history = with_runtime(tmp_path, talk, story)
    assert talk.heads[1].startswith("POST /runs/r-7/events ")
    (opened,) = history.of("open")
    assert (opened.stream, unpack(opened, Opened).events) == ("run.r-7.events", 1)


def test_a_stream_that_is_opened_under_our_name_keeps_it(tmp_path: Path) -> None:
    async def story(runtime: RuntimeSurface) -> None:
        assert runtime.config.stream is not None
        step = runtime.config.stream.model_copy(update={"name": "{stream}", "capture": {}})
        runtime.config = runtime.config.model_copy(update={"stream": step})
        assert await runtime.open_stream("ours") == "ours"

    with_runtime(tmp_path, Talk(201, "{}"), story)


@pytest.mark.parametrize(
    ("talk", "why"),
    [(Talk(500, "no"), "answered 500 no, expected"), (Talk(201, '{"run":{}}'), r"has no run_id.*\[runtime\.stream\]")],
    ids=["refused", "without what its name is made of"],
)
def test_a_stream_that_is_not_opened_says_why(tmp_path: Path, talk: Talk, why: str) -> None:
    async def story(runtime: RuntimeSurface) -> None:
        with pytest.raises(SubjectError, match=why):
            await runtime.open_stream("ignored")

    with_runtime(tmp_path, talk, story)


def test_a_publish_that_is_refused_with_a_500_may_have_happened(tmp_path: Path) -> None:
    """And is never acknowledged: its absence is no lost write."""
    talk = Talk(500, "spacetime publish failed: sequence conflict")

    async def story(runtime: RuntimeSurface) -> None:
        assert (await runtime.publish("s", {"signoff_key": "k"}, "i")).phase == "info"

    history = with_runtime(tmp_path, talk, lambda runtime: _known(runtime, story))
    (_, done) = history.of("publish")
    assert (done.status, done.error) == (500, "500 spacetime publish failed: sequence conflict")


async def _known(runtime: RuntimeSurface, story: Callable[[RuntimeSurface], Awaitable[None]]) -> None:
    runtime.variables = {"run_id": "r"}
    await story(runtime)
