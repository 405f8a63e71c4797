"""HTTP towards a surface: steps of signoff.toml as requests, answers as captured values.

One connection per request (`connection: close`), so that an interposer sees each request's head and a
probe leaves nothing behind. A surface that does not answer is `NoAnswer`; what it answers is
never an exception: status and body go to whoever asked.

    reply = await web.perform(step, {"stream": "s", "payload": {...}})
    reply.captured["seq"]
"""

from __future__ import annotations

import asyncio
import time
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import TracebackType
from urllib.parse import urlsplit

import httpx2
import msgspec

from harness.canonical import UNREADABLE, Json
from harness.config import StepConfig
from harness.errors import SubjectError
from harness.evidence.exchanges import MAX_TEXT_CHARS, Exchange
from harness.evidence.redact import Redactor
from harness.surfaces.capture import Answer, capture, cookies_of
from harness.template import fill, fill_text

REQUEST_TIMEOUT_MS = 10_000
Heard = Callable[[Exchange], None]
MAX_BODY_BYTES = 32 * 1024 * 1024  # a subject that sends for ever is cut off here
_GZIP_OR_ZLIB = zlib.MAX_WBITS | 32  # which of the two, its head says


class NoAnswer(SubjectError):
    """No HTTP answer came: refused, reset, timed out, or not HTTP. `sent` when the request may have arrived."""

    def __init__(self, what: str, *, sent: bool) -> None:
        super().__init__(what)
        self.sent = sent


@dataclass(frozen=True)
class Reply:
    """`body` is the parsed JSON, or None when it is none; `captured` has what the step asks for and what was there."""

    status: int
    text: str
    body: Json
    headers: Mapping[str, str]
    captured: Mapping[str, Json] = field(default_factory=dict)
    expected: bool = True
    cookies: Mapping[str, str] = field(default_factory=dict)

    def excerpt(self, redactor: Redactor | None = None) -> str:
        """Status and the beginning of the text, for a message: redacted before it is cut, so that no half of a
        token is left that nobody knows as one."""
        return f"{self.status} {(redactor or Redactor()).clean(self.text)[:200]}"


class Web:
    """A client of one base URL. `host` is what the service is called, where a relay stands before it; `heard` is told
    of each exchange."""

    def __init__(self, base_url: str, *, keep_alive: bool = False, host: str = "", heard: Heard | None = None) -> None:
        self._called = urlsplit(base_url)._replace(netloc=host).geturl() if host else base_url  # what an error says
        self._heard = heard
        headers = {"host": host} if host else {}
        headers |= {"accept-encoding": "identity"} | ({} if keep_alive else {"connection": "close"})
        limits = httpx2.Limits(max_connections=200, max_keepalive_connections=100 if keep_alive else 0)
        self._http = httpx2.AsyncClient(
            base_url=base_url, headers=headers, timeout=REQUEST_TIMEOUT_MS / 1000, trust_env=False, limits=limits
        )

    async def send(
        self, method: str, path: str, *, body: Json = None, headers: Mapping[str, str] | None = None
    ) -> Reply:
        """One request, no redirects followed. NoAnswer when nothing came."""
        content = b"" if body is None else msgspec.json.encode(body)
        sent_headers = {**({"content-type": "application/json"} if body is not None else {}), **(headers or {})}
        sent = content[: 2 * MAX_TEXT_CHARS].decode("utf-8", "replace")
        lines = tuple(f"{name}: {value}" for name, value in sent_headers.items())
        told = Exchange(time.monotonic_ns(), None, "harness", "", f"{method} {path}", sent, headers=lines)
        try:
            reply = await self._send(method, path, content=content, headers=sent_headers)
        except NoAnswer as error:
            self._tell(told, error=str(error))
            raise
        ms = round((time.monotonic_ns() - told.t_ns) / 1e6, 1)
        self._tell(told, ms=ms, status=reply.status, answer=reply.text[: 2 * MAX_TEXT_CHARS])
        return reply

    def _tell(self, asked: Exchange, **came: object) -> None:
        if self._heard is not None:
            self._heard(msgspec.structs.replace(asked, **came))

    async def _send(self, method: str, path: str, *, content: bytes, headers: Mapping[str, str]) -> Reply:
        try:
            async with (
                asyncio.timeout(REQUEST_TIMEOUT_MS / 1000),  # of all of it: a byte now and then is no answer
                self._http.stream(method, path, content=content, headers=headers, follow_redirects=False) as response,
            ):
                raw = await _read(response)
        except TimeoutError as error:
            told = f"no end of the answer within {REQUEST_TIMEOUT_MS} ms"
            raise NoAnswer(f"{method} {self._called}{path}: {told}", sent=True) from error
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout) as error:
            raise NoAnswer(f"{method} {self._called}{path}: {type(error).__name__} {error}", sent=False) from error
        except httpx2.HTTPError as error:
            raise NoAnswer(f"{method} {self._called}{path}: {type(error).__name__} {error}", sent=True) from error
        except httpx2.InvalidURL as error:
            raise NoAnswer(f"{method} {path!r} cannot be asked for: {error}", sent=False) from error
        cookies = cookies_of(response.headers.get_list("set-cookie"))
        named = {name.lower(): value for name, value in response.headers.items()}
        text = raw.decode("utf-8", "replace")
        return Reply(response.status_code, text, json_of(raw), named, cookies=cookies)

    async def perform(self, step: StepConfig, variables: Mapping[str, Json]) -> Reply:
        """The step with its placeholders filled in, and its captures taken out of the answer."""
        headers = {name: fill_text(value, variables) for name, value in step.headers.items()}
        body = fill(step.body, variables)
        reply = await self.send(step.method, fill_text(step.path, variables), body=body, headers=headers)
        answer = Answer(reply.text, reply.body, reply.headers, reply.cookies)
        captured = capture(answer, step.capture, variables)
        return replace(reply, captured=captured, expected=reply.status in step.expect)

    async def close(self) -> None:
        await self._http.aclose()

    async def __aenter__(self) -> Web:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


async def _read(response: httpx2.Response) -> bytes:
    """The body, bounded on the line and unpacked: a few packed bytes can stand for any number. One that is packed in
    another way than gzip or deflate stays as it came."""
    raw = bytearray()
    async for chunk in response.aiter_raw():
        raw += chunk
        if len(raw) > MAX_BODY_BYTES:
            raise NoAnswer(f"the answer is longer than {MAX_BODY_BYTES} bytes", sent=True)
    if response.headers.get("content-encoding", "").strip().lower() not in ("gzip", "x-gzip", "deflate"):
        return bytes(raw)
    return _unpacked(bytes(raw))


def _unpacked(raw: bytes) -> bytes:
    """Some say deflate and leave out its head."""
    why = "it ends early"
    for form in (_GZIP_OR_ZLIB, -zlib.MAX_WBITS):
        unpacking = zlib.decompressobj(form)
        try:
            unpacked = unpacking.decompress(raw, MAX_BODY_BYTES + 1)
        except zlib.error as error:
            why = why if form < 0 else str(error)
            continue
        if len(unpacked) > MAX_BODY_BYTES:
            raise NoAnswer(f"the answer, unpacked, is longer than {MAX_BODY_BYTES} bytes", sent=True)
        if unpacking.eof or not raw:
            return unpacked
    raise NoAnswer(f"the answer cannot be unpacked: {why}", sent=True)


def json_of(raw: bytes) -> Json:
    """The JSON in an answer; None when it is none."""
    try:
        value: Json = msgspec.json.decode(raw)
    except UNREADABLE:
        return None
    return value
