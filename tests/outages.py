"""What the model adds around faults: windows with their witness, a herd at the sink, a probe, the counters.

Owns the Ops of a drill on a correct system: clients wait with capped exponential backoff and full jitter,
the probe arrives live, the counters tell the truth. Leaves server, runtime and replicas to the model,
whose `Random` decides here too.

    outage(model, clients=10)  # fault_on, attempts at the sink, fault_off
    probe(model)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness import history as h
from harness.history import pack

if TYPE_CHECKING:
    from tests.model import Model

MS = 1_000_000  # ns
BASE_MS, FACTOR, CAP_MS = 200, 2.0, 5_000
HERDS = (3, 10)
OUTAGE_MS = (9_000, 15_000)
HERD_OPS = 12  # about so many attempts does one client make in the longest outage
RUNTIME = "identity-runtime"


def slow_window(model: Model) -> None:
    """Latency that must be borne, with traffic inside it."""
    name = model.fresh("w")
    model.put("lab", "fault_on", fault=name, data=pack(h.Faulted("latency", "runtime", True, {"ms": 50.0})))
    start_ns = model.t_ns
    for stream in model.streams:
        model.in_turn(stream, 1)
    witness = h.Healed(
        "latency", "runtime", len(model.streams), "ms added to a call", 51.5, 45, start_ns + 9, model.t_ns
    )
    model.put("lab", "fault_off", fault=name, data=pack(witness))


def outage(model: Model, clients: int) -> None:
    """The sink stands in the server's place: everybody's attempts, in the order of their arrival."""
    name = model.fresh("w")
    model.put("lab", "fault_on", fault=name, data=pack(h.Faulted("down", "server")))
    start_ns, window_ms = model.t_ns, model.rng.randint(*OUTAGE_MS)
    arrivals = [(at_ms, who) for who in range(clients) for at_ms in _attempts(model, window_ms)]
    for at_ms, who in sorted(arrivals):
        model.t_ns = max(model.t_ns, start_ns + int(at_ms * MS))
        said = {"replica": "runtime", "identity": RUNTIME} if who == 0 else {"identity": f"identity-herd-{who}"}
        model.refused += who == 0
        model.put("sink", "connect", "fail", fault=name, error="refused", **said)
    last_ns = model.t_ns
    model.t_ns = max(model.t_ns, start_ns + window_ms * MS)
    count = len(arrivals)
    witness = h.Healed("down", "server", count, "attempts refused", count, 1, start_ns + 1, last_ns)
    model.put("lab", "fault_off", fault=name, data=pack(witness))


def _attempts(model: Model, window_ms: int) -> list[float]:
    """When one client tries, until the outage ends."""
    times, at_ms, bound_ms = [], model.rng.uniform(1, BASE_MS), float(BASE_MS)
    while at_ms < window_ms:
        times.append(at_ms)
        at_ms += 3 + model.rng.uniform(0, bound_ms)
        bound_ms = min(CAP_MS, bound_ms * FACTOR)
    return times


def probe(model: Model) -> None:
    """A fresh event reaches every replica live. The replicas have caught up before."""
    key, stream = model.fresh("probe-"), model.streams[0]
    names = tuple(replica.name for replica in model.replicas)
    asked = {"stream": stream.name, "key": key}
    begun = model.put("gate", "probe", "invoke", data=pack(h.Probed(names, 5_000)), **asked)
    model.in_turn(stream, 1, key)
    for replica in model.replicas:
        model.advance(replica, stream, 1)
    model.put("gate", "probe", op=begun, **asked)


def counters(model: Model) -> None:
    """What the runtime counts, kept over everything that happened to it and to the server."""
    accepted = len(model.accepted)
    means = {
        "accepted": accepted,
        "duplicates": len(model.handled) - accepted,
        "published": accepted,
        "failures": model.refused,
        "outbox": 0,
    }
    model.put(
        "runtime", "metrics", status=200, data=pack(h.Metrics({f"{name}_total": n for name, n in means.items()}, means))
    )
