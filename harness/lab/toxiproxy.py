"""A real Toxiproxy for one scenario, driven through toxiproxy-python with a strict session.

The library's object model is kept; its session is replaced, because on its own it has no time-outs, obeys
HTTP_PROXY, and lets a 500 pass as success. Every change is read back. Proxies carry nonce names,
because a Toxiproxy whose API port was already taken stays alive and silent.

    toxics = Toxics(component, folder, api_port, scenario="s1")
    await toxics.start()
    proxy = toxics.create("runtime", listen=20012, upstream=20013)
"""

from __future__ import annotations

import asyncio
import functools
import secrets
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import ParamSpec

import requests
import toxiproxy.api
from toxiproxy import Toxiproxy
from toxiproxy.proxy import Proxy

from harness.errors import LabError
from harness.lab.components import Component
from harness.lab.launch import hint, launch
from harness.process import Process
from harness.wait import WaitedTooLong, wait_until

READY_TIMEOUT_MS = 5_000
REQUEST_TIMEOUT_S = 5
P = ParamSpec("P")


def _beside_the_loop(change: Callable[P, None]) -> Callable[P, Coroutine[None, None, None]]:
    """In a thread: Toxiproxy may wait for a connection that our own relay, on the loop, has to drain."""

    @functools.wraps(change)
    async def beside(*args: P.args, **kwargs: P.kwargs) -> None:
        await asyncio.to_thread(change, *args, **kwargs)

    return beside


class _StrictSession(requests.Session):
    """Raises for every answer that is not 2xx."""

    def __init__(self) -> None:
        super().__init__()
        self.trust_env = False

    def request(self, *args, **kwargs):  # type: ignore[no-untyped-def]
        kwargs.setdefault("timeout", REQUEST_TIMEOUT_S)
        try:
            response = super().request(*args, **kwargs)
        except requests.RequestException as error:
            raise LabError(f"Toxiproxy does not answer: {error}") from error
        if not response.ok:
            raise LabError(f"Toxiproxy refused {response.request.method} {response.url}: {response.text[:300]}")
        return response


class Toxics:
    """One Toxiproxy process and its proxies. The library keeps host and port in a class: one per process."""

    def __init__(self, component: Component, folder: Path, api_port: int, *, scenario: str) -> None:
        self._component, self._folder, self._api_port, self._scenario = component, folder, api_port, scenario
        self._nonce = secrets.token_hex(4)
        self._process: Process | None = None
        self._client = Toxiproxy()
        self.proxies: dict[str, Proxy] = {}

    async def start(self) -> None:
        """LabError when it does not answer, or when something else answers in its place."""
        toxiproxy.api.requests = _StrictSession()
        self._client.update_api_consumer("127.0.0.1", self._api_port)
        self._process = await launch(
            self._component,
            ["-host", "127.0.0.1", "-port", str(self._api_port)],
            name="toxiproxy",
            log=self._folder / "toxiproxy.log",
            scenario=self._scenario,
        )
        try:
            await wait_until(self._ready, timeout_ms=READY_TIMEOUT_MS, what="Toxiproxy to listen")
        except WaitedTooLong as error:
            said = f"{error}; its log ends: {self._process.tail()}"
            raise LabError(said, where=self._component.path, hint=hint(self._component)) from error
        if self._client.proxies():
            raise LabError(f"another Toxiproxy answers on port {self._api_port}: it has proxies that we did not make")

    async def _ready(self) -> bool:
        assert self._process is not None
        if not self._process.alive:
            raise LabError(f"Toxiproxy ended at its start: {self._process.tail()}", where=self._component.path)
        return bool(self._client.running())

    def create(self, name: str, *, listen: int, upstream: int) -> Proxy:
        """A proxy on loopback, read back."""
        nonce_name = f"{name}-{self._nonce}"
        self._client.create(f"127.0.0.1:{upstream}", nonce_name, listen=f"127.0.0.1:{listen}", enabled=True)
        found = self._client.proxies().get(nonce_name)
        if found is None or not found.enabled or not found.listen.endswith(f":{listen}"):
            raise LabError(f"Toxiproxy says it made the proxy {nonce_name}, but does not list it as enabled")
        self.proxies[name] = found
        return found

    @_beside_the_loop
    def set_enabled(self, name: str, enabled: bool) -> None:
        """Take a proxy down or up, read back."""
        proxy = self._fresh(name)
        if enabled:
            proxy.enable()
        else:
            proxy.disable()
        if self._fresh(name).enabled is not enabled:
            raise LabError(f"Toxiproxy says it changed the proxy {name}, but does not list it so")

    @_beside_the_loop
    def add(self, name: str, kind: str, stream: str, attributes: Mapping[str, int], toxic: str) -> None:
        """A toxic on every byte of a direction ("upstream" to the server, "downstream" from it), read back."""
        self._fresh(name).add_toxic(name=toxic, type=kind, stream=stream, toxicity=1.0, attributes=dict(attributes))
        if toxic not in self._fresh(name).toxics():
            raise LabError(f"Toxiproxy says it added {kind} to {name}, but does not list it")

    @_beside_the_loop
    def remove(self, name: str, toxic: str) -> None:
        """Take a toxic away; one that is not there is no error. It ends the connections of a `timeout`."""
        proxy = self._fresh(name)
        if toxic in proxy.toxics():
            proxy.destroy_toxic(toxic)

    def _fresh(self, name: str) -> Proxy:
        """The proxy as the server lists it now."""
        found = self._client.proxies().get(self.proxies[name].name)
        if found is None:
            raise LabError(f"Toxiproxy does not list the proxy {name} any more")
        return found

    async def stop(self) -> None:
        if self._process is not None:
            await self._process.kill()
