"""I5 hash-mismatch: the payload that was sent is the payload that is recorded, delivered and applied.

Owns the comparison of hashes; leaves their computation to harness.canonical and who saw what where to
order. At each surface the hash recorded beside a payload is compared with the one that the harness
computed from it; and all hashes of one key with that of its publish. Where one key was offered with
several payloads, the acknowledged one is the truth, and there may be only one.

    HashMismatch().check(history).verdict
"""

from __future__ import annotations

from msgspec.structs import replace

from harness.checkers.base import Checker, CheckResult, Found, Mutation, lack, middle, replaced, sightings
from harness.history import Applied, F, History, Op, Published, pack, unpack

_WRITES: tuple[F, F] = ("publish", "append")


class HashMismatch(Checker, frozen=True):
    """I5: claimed hash = computed hash at every surface, and one hash per key. A claimed hash of ""
    says that this surface claims none."""

    name = "hash-mismatch"
    invariant = "I5"

    def check(self, history: History) -> CheckResult:
        ledger = _Ledger()
        for kind in _WRITES:
            ledger.read_writes(history, kind)
        for op in sightings(history, "deliver", "apply"):
            if op.phase == "ok" and op.stream is not None:
                ledger.see(op, unpack(op, Applied))
        return self.result(ledger.judged, ledger.findings, ledger.lacking)

    def mutations(self) -> tuple[Mutation, ...]:
        return (
            Mutation("re-hash the payload of an apply", _rehash_apply),
            Mutation("re-hash the claim of a delivered row", _reclaim_deliver),
            Mutation("re-hash a row of a final read, claim and payload alike", _rehash_row),
            Mutation("re-hash the claim of a publish", _reclaim_publish),
        )


class _Ledger:
    """Per key, the hashes it may have: the acknowledged one, or those that may have happened."""

    def __init__(self) -> None:
        self.judged, self.lacking = 0, ""
        self.findings: list[Found] = []
        self._acked: dict[str, str] = {}
        self._maybe: dict[str, set[str]] = {}
        self._pinned: dict[str, str] = {}

    def read_writes(self, history: History, kind: F) -> None:
        begun: dict[int, Op] = {}
        for op in history.of(kind):
            if op.phase == "invoke":
                begun[op.index] = op
            elif op.op is None:
                self.lacking = self.lacking or lack(op, "op") if op.phase == "ok" else self.lacking
            elif op.phase == "ok":
                self._acknowledge(op, begun.pop(op.op, op))
            elif op.phase == "fail":
                begun.pop(op.op, None)
        for own in begun.values():
            if own.key is not None and own.hash is not None:
                self._maybe.setdefault(own.key, set()).add(own.hash)

    def _acknowledge(self, op: Op, own: Op) -> None:
        key, sent = own.key or op.key, own.hash or op.hash
        if key is None or sent is None:
            self.lacking = self.lacking or lack(op, "key", "hash")
            return
        first = self._acked.setdefault(key, sent)
        if first != sent:
            message = f"event {key}: acknowledged with payload hash {sent}, but before with {first}"
            self.findings.append((message, (op.index,)))
        if op.hash is not None and op.hash != sent:
            self.findings.append(_differs(op, "computed at the answer", op.hash, "sent", sent))
        if op.f == "publish":
            told = unpack(op, Published)
            claimed, right = told.claimed_hash, told.recorded_hash or sent
            if claimed and claimed != right:
                self.findings.append(_differs(op, "claimed", claimed, "of the payload sent", right))
            self.judged += bool(claimed)

    def see(self, op: Op, told: Applied) -> None:
        """One row as an observer saw it."""
        claimed = told.claimed_hash
        found, key = op.hash, op.key
        if found is None:
            self.lacking = self.lacking or lack(op, "hash")
            return
        self.judged += 1
        right = told.recorded_hash or found
        if claimed and claimed != right:
            self.findings.append(_differs(op, "recorded beside the payload", claimed, "of what is hashed", right))
        if key is None:
            return
        truth = self._acked.get(key)
        if truth is None:
            truth = self._pinned.get(key) or self._pin(op, key, found)
        if truth != found:
            self.findings.append(_differs(op, "of the payload", found, "sent or seen before", truth))

    def _pin(self, op: Op, key: str, found: str) -> str:
        """The first sight of a key that nobody acknowledged: it must be one that may have been sent."""
        possible = self._maybe.get(key)
        if possible is not None and found not in possible:
            self.findings.append(_differs(op, "of the payload", found, "sent", " or ".join(sorted(possible))))
        self._pinned[key] = found
        return found


def _differs(op: Op, one: str, got: str, other: str, expected: str) -> Found:
    who = f" by {op.replica}" if op.replica else ""
    message = f"{op.f}{who}, stream {op.stream}, seq {op.seq}, event {op.key}: hash {one} is {got}, {other} {expected}"
    return message, (op.index,)


def _altered(digest: str) -> str:
    """Another hash of the same shape."""
    return ("0" if digest[:1] != "0" else "1") + digest[1:]


def _rows(history: History, kind: F) -> list[Op]:
    return [op for op in history.of(kind) if op.phase == "ok" and op.stream is not None and op.hash is not None]


def _shared(history: History, kind: F) -> list[Op]:
    """Rows whose key was acknowledged, so that there is a hash to differ from."""
    writes = [*history.of("publish"), *history.of("append")]
    sent = {op.index: op for op in writes if op.phase == "invoke" and op.hash is not None}
    acked = {sent[op.op].key for op in writes if op.phase == "ok" and op.op in sent}
    return [op for op in _rows(history, kind) if op.key is not None and op.key in acked]


def _rehash_apply(history: History) -> History | None:
    victim = middle(_shared(history, "apply"))
    return None if victim is None else replaced(history, replace(victim, hash=_altered(victim.hash or "")))


def _reclaim_deliver(history: History) -> History | None:
    victim = middle(_rows(history, "deliver"))
    if victim is None:
        return None
    claim = replace(unpack(victim, Applied), claimed_hash=_altered(victim.hash or ""))
    return replaced(history, replace(victim, data=pack(claim)))


def _rehash_row(history: History) -> History | None:
    victim = middle(_shared(history, "final_read"))
    if victim is None:
        return None
    other = _altered(victim.hash or "")
    return replaced(history, replace(victim, hash=other, data=pack(Applied(claimed_hash=other))))


def _reclaim_publish(history: History) -> History | None:
    sent = {op.index: op.hash for op in history.of("publish") if op.phase == "invoke" and op.hash and op.key}
    victim = middle([op for op in history.of("publish") if op.phase == "ok" and op.op in sent])
    if victim is None or victim.op is None:
        return None
    return replaced(history, replace(victim, data=pack(Published(_altered(sent[victim.op] or "")))))
