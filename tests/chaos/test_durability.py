"""Counted losses: each burst has a book and a stream of its own, and the interval of what it counted."""

from __future__ import annotations

import asyncio
from pathlib import Path
from random import Random
from types import SimpleNamespace

import pytest

from chaos.durability import Burst, wilson
from harness.config import Config
from harness.evidence.recorder import Recorder
from harness.history import History
from harness.workload.appends import Appender

CONFIG = Config.model_validate(
    {
        "version": 1,
        "subject": {"name": "s"},
        "module": {
            "wasm": "m.wasm",
            "append": {"reducer": "append", "args": ["{stream}", "{idem_key}"]},
        },
    }
)


class Server:
    """A server that takes every append, for this pure part."""

    def __init__(self) -> None:
        self.streams: set[str] = set()

    async def call(self, database: str, reducer: str, args: list[str]) -> None:
        self.streams.add(args[0])


def scene_of(out: Path, server: Server) -> SimpleNamespace:
    return SimpleNamespace(
        out=out, name="s", nonce="n", rng=Random(1), record=Recorder(out / "history.jsonl", "s"),
        streams=lambda count, prefix: [f"{prefix}.{number}" for number in range(count)],
        appender=lambda record: Appender(server, "db", CONFIG, {}, record),  # type: ignore[arg-type]
    )  # fmt: skip


def test_a_second_burst_leaves_the_first_ones_book_as_it_is(tmp_path: Path) -> None:
    server = Server()
    scene = scene_of(tmp_path, server)

    async def play() -> None:
        for name, count in (("load", 3), ("idle", 2)):
            with Burst(scene, name) as burst:  # type: ignore[arg-type]
                await burst.some(count)

    asyncio.run(play())
    scene.record.close()
    for name, count in (("load", 3), ("idle", 2)):
        history = History.parse((tmp_path / f"burst-{name}.jsonl").read_bytes())
        assert len([op for op in history.ops if op.f == "append" and op.phase == "ok"]) == count
    assert len(server.streams) == 2
    assert all(any(f"burst-{name}." in stream for stream in server.streams) for name in ("load", "idle"))


def test_a_book_is_closed_also_after_a_failure(tmp_path: Path) -> None:
    scene = scene_of(tmp_path, Server())
    with pytest.raises(KeyError), Burst(scene, "load") as burst:  # type: ignore[arg-type]
        asyncio.run(burst.some(1))
        kept = (tmp_path / "burst-load.jsonl").read_bytes()
        raise KeyError("a drill's own failure")
    asyncio.run(burst.some(1))
    assert (tmp_path / "burst-load.jsonl").read_bytes() == kept, "what comes after its end is not in its book"
    scene.record.close()


def test_the_interval_of_a_proportion() -> None:
    assert wilson(0, 0) == (0.0, 1.0)
    low, high = wilson(0, 200)
    assert (low, round(high, 4)) == (0.0, 0.0188)
    assert wilson(91, 800)[0] < 91 / 800 < wilson(91, 800)[1]
