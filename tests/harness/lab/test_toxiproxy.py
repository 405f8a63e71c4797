"""A real Toxiproxy, and a session that takes nothing but success for success."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from harness.errors import LabError
from harness.lab.components import Component
from harness.lab.ports import Ports
from harness.lab.toxiproxy import Toxics
from harness.setup import Setup

pytestmark = pytest.mark.lab


def with_toxics(component: Component, tmp_path: Path, story: Callable[[Toxics, Ports], Awaitable[None]]) -> None:
    async def play() -> None:
        with Ports() as ports:
            toxics = Toxics(component, tmp_path, ports.take(), scenario="toxics-test")
            try:
                await toxics.start()
                await story(toxics, ports)
            finally:
                await toxics.stop()

    asyncio.run(play())


def test_a_proxy_listens_and_refuses_when_it_is_disabled(setup: Setup, tmp_path: Path) -> None:
    async def story(toxics: Toxics, ports: Ports) -> None:
        listen = ports.take()
        proxy = toxics.create("path", listen=listen, upstream=9)
        assert proxy.name.startswith("path-")
        with socket.create_connection(("127.0.0.1", listen), timeout=2):
            pass
        proxy.disable()
        with socket.socket() as refused:
            assert refused.connect_ex(("127.0.0.1", listen)) != 0

    with_toxics(setup.components.toxiproxy, tmp_path, story)


def test_toxics_are_added_and_listed(setup: Setup, tmp_path: Path) -> None:
    async def story(toxics: Toxics, ports: Ports) -> None:
        proxy = toxics.create("path", listen=ports.take(), upstream=9)
        proxy.add_toxic(type="latency", attributes={"latency": 100})
        assert list(proxy.toxics()) == ["latency_downstream"]
        with pytest.raises(LabError, match="refused"):
            proxy.add_toxic(type="no such toxic")
        with pytest.raises(LabError, match="refused"):
            proxy.destroy_toxic("not there")

    with_toxics(setup.components.toxiproxy, tmp_path, story)


def test_changes_are_read_back(setup: Setup, tmp_path: Path) -> None:
    async def story(toxics: Toxics, ports: Ports) -> None:
        listen = ports.take()
        proxy = toxics.create("path", listen=listen, upstream=9)
        await toxics.set_enabled("path", False)
        with socket.socket() as refused:
            assert refused.connect_ex(("127.0.0.1", listen)) != 0
        await toxics.set_enabled("path", True)
        await toxics.add("path", "latency", "upstream", {"latency": 5}, "w1-latency")
        assert list(proxy.toxics()) == ["w1-latency"]
        for _ in range(2):
            await toxics.remove("path", "w1-latency")
            assert not proxy.toxics()
        proxy.destroy()
        with pytest.raises(LabError, match="does not list the proxy path"):
            await toxics.set_enabled("path", False)

    with_toxics(setup.components.toxiproxy, tmp_path, story)


def test_a_port_that_is_taken_is_a_refusal(setup: Setup, tmp_path: Path) -> None:
    async def story(toxics: Toxics, ports: Ports) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            with pytest.raises(LabError, match="address already in use"):
                toxics.create("path", listen=taken.getsockname()[1], upstream=9)

    with_toxics(setup.components.toxiproxy, tmp_path, story)


def test_a_foreign_toxiproxy_on_our_port_is_noticed(setup: Setup, tmp_path: Path) -> None:
    """It stays alive and silent when its port is taken, so ours would seem to run."""

    async def story(toxics: Toxics, ports: Ports) -> None:
        toxics.create("path", listen=ports.take(), upstream=9)
        second = Toxics(setup.components.toxiproxy, tmp_path / "second", toxics._api_port, scenario="toxics-test")
        try:
            with pytest.raises(LabError, match=r"another Toxiproxy answers|ended at its start"):
                await second.start()
        finally:
            await second.stop()

    with_toxics(setup.components.toxiproxy, tmp_path, story)


def test_one_that_died_is_an_error_and_no_success(setup: Setup, tmp_path: Path) -> None:
    async def story(toxics: Toxics, ports: Ports) -> None:
        proxy = toxics.create("path", listen=ports.take(), upstream=9)
        await toxics.stop()
        with pytest.raises(LabError, match="does not answer"):
            proxy.disable()

    with_toxics(setup.components.toxiproxy, tmp_path, story)
