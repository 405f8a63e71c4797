"""How far the harness gets with a subject: one lab, the subject in it, and step by step what was reached.

For whoever points the harness at a subject for the first time. It judges nothing: a step is `ok`, `failed` with what
was sent, what came, what was expected and where signoff.toml says so, `absent` (signoff.toml has no such surface), or
`skipped` because a step that it needs is not ok. Each step is told as soon as it ends.

    outcomes = await reach(setup, out, lambda outcome: print("\\n".join(outcome.lines())))
    exit_code(outcomes)
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from harness.config import Config
from harness.errors import LabError, SignoffError, SubjectError, UserError, WireError
from harness.evidence.exchanges import Exchange, cleaned
from harness.mistakes import line_of
from harness.scenario import Scenario
from harness.setup import Setup
from harness.staging import AbsentSurface, absence
from harness.surfaces.service import Service
from harness.verdict import Exit
from harness.visit import Missed, Visit, answer_of

MAX_SHOWN_CHARS = 400  # of a request, an answer or a log

Result = Literal["ok", "failed", "absent", "skipped"]


@dataclass(frozen=True)
class Outcome:
    """What came of one step. `details` are (word, text) of a failed one; `exit_code` is 0 unless it failed."""

    step: str
    result: Result
    said: str = ""
    seconds: float = 0.0
    details: tuple[tuple[str, str], ...] = ()
    exit_code: int = Exit.OK

    def lines(self) -> list[str]:
        """As it is shown: one line, and under a failed one its details."""
        took = f" ({self.seconds:.2f} s)" if self.result in ("ok", "failed") else ""
        said = f": {self.said}" if self.said else ""
        return [
            f"{self.result:8}{self.step}{took}{said}",
            *(f"{'':8}{word + ':':10}{text}" for word, text in self.details),
        ]


@dataclass(frozen=True)
class Step:
    """One thing to reach: its work, the steps it needs, and the table and keys of signoff.toml that it hangs on.
    `surface` is the part of the subject that is asked."""

    name: str
    work: Callable[[Visit], Awaitable[str]]
    table: str
    keys: str
    expected: str
    needs: tuple[str, ...] = ("lab",)
    surface: str = ""


STEPS = (
    Step("lab", Visit.lab, "module", "wasm, after_publish, tables", "a server that runs the module", needs=()),
    Step("control ready", Visit.control_ready, "control", "command, env, cwd, url, ready, ready_timeout_ms",
         "a process that stays, and a status of 200 to 299 from its ready route in time", surface="control"),
    Step("runtime ready", Visit.runtime_ready, "runtime", "command, env, cwd, url, ready, ready_timeout_ms",
         "a process that stays, and a status of 200 to 299 from its ready route in time", surface="runtime"),
    Step("desktop ready", Visit.desktop_ready, "desktop", "command, env, cwd, ready_timeout_ms",
         "a process that stays and writes its ready event to stdout in time (docs/surface-contract.md)",
         surface="desktop"),
    Step("session obtained", Visit.signed_in, "control.session", "path, body, headers, expect, capture",
         "each step answered with a status that it expects, and a bearer captured", ("control ready",), "control"),
    Step("token minted", Visit.minted_token, "control.mint", "path, body, headers, expect, capture",
         "a status that the step expects, and a JWT where token is captured", ("session obtained",), "control"),
    Step("token accepted by the server", Visit.accepted, "control.token", "issuer, key (and env of [control])",
         "204", ("token minted",), "control"),
    Step("event published", Visit.published, "runtime.publish", "path, body, headers, expect, capture",
         "a status that the step expects", ("runtime ready",), "runtime"),
    Step("event read back from the server", Visit.read_back, "module.tables.events", "name, stream, payload, "
         "payload_path (and env of [runtime])", "its row", ("event published",)),
    Step("runtime's connection seen through its proxy", Visit.runtime_seen, "runtime.env", "what holds {server.url}",
         "at least one", ("event published",)),
    Step("desktop subscribed", Visit.desktop_subscribed, "desktop", "command, env",
         "an answer with ok true once its first subscription is applied (docs/surface-contract.md)",
         ("desktop ready", "token minted")),
    Step("desktop's connection seen through its proxy", Visit.desktop_seen, "desktop.env", "what holds {server.url}",
         "at least one", ("desktop subscribed",)),
    Step("no connection past the proxies", Visit.none_past, "runtime.env", "what holds {server.url}; [control.env] and "
         "[desktop.env] too", "none"),
)  # fmt: skip


async def reach(setup: Setup, out: Path, tell: Callable[[Outcome], None]) -> list[Outcome]:
    """Try every step, telling of each as it ends. What the lab cannot do ends the visit; whatever was started ends."""
    scene = Scenario(setup, "doctor/subject", out=out)
    visit, told = Visit(scene), list[Outcome]()
    try:
        for step in STEPS:
            outcome = await _outcome(visit, step, told)
            told.append(outcome)
            tell(outcome)
            if outcome.exit_code == Exit.LAB:
                break
    finally:
        if visit.entered:  # a lab that does not come up ends by itself
            await scene.close()
    return told


def exit_code(outcomes: Iterable[Outcome]) -> int:
    """The lab before the configuration before the subject; where no part of a subject was reached, nothing is known."""
    told = list(outcomes)
    codes = {outcome.exit_code for outcome in told}
    reached = any(outcome.result == "ok" and outcome.step.endswith("ready") for outcome in told)
    order = (Exit.LAB, Exit.USAGE, Exit.UNDECIDED)
    return next((code for code in order if code in codes), Exit.OK if reached else Exit.UNDECIDED)


async def _outcome(visit: Visit, step: Step, told: Sequence[Outcome]) -> Outcome:
    for needed in step.needs:
        before = next(outcome for outcome in told if outcome.step == needed)
        if before.result != "ok":
            return Outcome(step.name, "skipped", f"{needed} is {before.result}")
    began, began_ns = time.monotonic(), time.monotonic_ns()
    clean = visit.scene.record.redactor.clean
    try:
        said = await step.work(visit)
    except AbsentSurface:
        return Outcome(step.name, "absent", absence(step.surface))
    except (LabError, UserError, SubjectError, WireError) as error:
        details = _details(visit, step, error, began_ns)
        code = error.exit_code if isinstance(error, (LabError, UserError)) else Exit.UNDECIDED
        return Outcome(step.name, "failed", _short(str(error), clean), time.monotonic() - began, details, code)
    return Outcome(step.name, "ok", clean(said), time.monotonic() - began)


def _details(visit: Visit, step: Step, error: SignoffError, since_ns: int) -> tuple[tuple[str, str], ...]:
    """Sent, came, expected, and where signoff.toml says so."""
    missed = error if isinstance(error, Missed) else Missed(str(error))
    sent, came, table = missed.sent, missed.came, missed.table or step.table
    exchange = _last_exchange(visit.scene, step.surface, since_ns)
    if exchange is not None:
        headers = f"({'; '.join(exchange.headers)})" if exchange.headers else ""
        sent = sent or " ".join(filter(None, (exchange.asked, headers, exchange.body)))
        came = came or answer_of(exchange)
    clean = visit.scene.record.redactor.clean
    text = visit.config.path.read_text(encoding="utf-8")
    see = f"{visit.config.path.name}:{line_of(text, tuple(table.split('.')))} [{table}] {step.keys}"
    found = (("sent", sent or _command_of(visit.config, step.surface)), ("came", came or str(error)))
    return (
        *((word, _short(text, clean)) for word, text in found if text),
        ("expected", clean(missed.expected or step.expected)),
        ("see", see),
    )


def _last_exchange(scene: Scenario, surface: str, since_ns: int) -> Exchange | None:
    """The last request of this step to the part that it asks."""
    services: dict[str, Service | None] = {"control": scene.control, "runtime": scene.runtime}
    service = services.get(surface)
    asked = [one for one in service.exchanges.all() if one.t_ns >= since_ns] if service is not None else []
    return cleaned(asked, scene.record.redactor)[-1] if asked else None


def _command_of(config: Config, surface: str) -> str:
    """What starts a part, where the harness does."""
    part = config.surfaces.get(surface)
    return " ".join(part.command) if part is not None else ""


def _short(text: str, clean: Callable[[str], str]) -> str:
    """On one line, without secrets, and then cut: its beginning and its end."""
    line = " ".join(clean(text).split())
    half = MAX_SHOWN_CHARS // 2
    return line if len(line) <= MAX_SHOWN_CHARS else f"{line[:half]} ... {line[-half:]}"
