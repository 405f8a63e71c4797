"""Faults as data, altered messages, made modules: the parts of chaos that need no lab."""

from __future__ import annotations

import asyncio
import importlib
import json
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Opcode

from chaos import faults
from chaos.acts import ACTS
from chaos.faults import Frames
from chaos.frames import Altering
from chaos.modules import _leb128, other_column, same_code
from chaos.schedule import Schedule, dump, load, window
from harness.checkers import build
from harness.errors import UserError
from harness.gate import Gate
from harness.host import ROOT
from harness.lab.middlebox import Message, Middlebox

FAULTS = (
    faults.Latency(ms=20),
    faults.Bandwidth(kb_per_s=8),
    faults.Kill(after="apply", nth=3),
    faults.Frames("drop", every=2),
    faults.Republish(compatible=False),
    faults.Prune(keep=4),
)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_read_back_as_it_was(fault: faults.Fault) -> None:
    raw = dump(Schedule("chaos/x", 1, (window("w1", 10, 20, fault, "runtime"),)))
    (read,) = load(raw).windows
    assert read.fault == fault
    (written,) = json.loads(raw)["windows"]
    assert written["fault"]["kind"] == fault.kind
    assert set(fault.settings) == set(fault.__struct_fields__)
    written["fault"] = {"kind": "proxy-down", "extra": 1}
    with pytest.raises(UserError, match="extra"):
        load(json.dumps({"drill": "chaos/x", "seed": 1, "windows": [written]}).encode())


def test_every_fault_has_an_act_and_says_what_it_is() -> None:
    kinds = set(get_args(faults.ANY))
    assert kinds == set(ACTS)
    assert all(kind.__doc__ for kind in kinds)
    assert len({kind.__struct_config__.tag for kind in kinds}) == len(kinds)


def update(number: int) -> Message:
    return Message(1, "to_client", Opcode.TEXT, b'{"TransactionUpdate":{"n":%d}}' % number)


def altered(what: str, every: int, count: int = 6) -> tuple[list[bytes], Altering]:
    async def play() -> tuple[list[bytes], Altering]:
        box = Middlebox(on_message=lambda message: None)
        altering = Altering(Frames(what, every=every), box, asyncio.get_running_loop())  # type: ignore[arg-type]
        sent = [payload.data for n in range(count) for payload in altering(update(n))]
        return sent, altering

    return asyncio.run(play())


@pytest.mark.parametrize(
    ("what", "expected"),
    [
        ("duplicate", [0, 1, 1, 2, 3, 3, 4, 5, 5]),
        ("drop", [0, 2, 4]),
        ("reorder", [0, 2, 1, 3, 5, 4]),
        ("delay", [0, 2, 4]),
    ],
)
def test_what_goes_on_instead(what: str, expected: list[int]) -> None:
    sent, altering = altered(what, every=3 if what == "reorder" else 2)
    if what == "reorder":
        sent, altering = altered(what, every=2)
        expected = [0, 2, 1, 4, 3]
    assert [json.loads(one)["TransactionUpdate"]["n"] for one in sent] == expected
    assert altering.times_ns


@pytest.mark.parametrize("what", ["truncate", "corrupt"])
def test_what_is_spoilt_is_said_to_be(what: str) -> None:
    async def play() -> None:
        altering = Altering(Frames(what, every=1), Middlebox(on_message=print), asyncio.get_running_loop())  # type: ignore[arg-type]
        (payload,) = altering(update(1))
        assert payload.spoilt
        assert payload.data != update(1).payload

    asyncio.run(play())


def test_the_greeting_is_never_altered() -> None:
    async def play() -> None:
        altering = Altering(Frames("drop", every=1), Middlebox(on_message=print), asyncio.get_running_loop())
        hello = Message(1, "to_client", Opcode.TEXT, b'{"IdentityToken":{}}')
        assert [payload.data for payload in altering(hello)] == [hello.payload]
        assert not altering.times_ns

    asyncio.run(play())


def test_modules_made_from_the_subjects_own() -> None:
    wasm = b"\0asm\1\0\0\0 payload_json payload_json"
    assert same_code(wasm, "w1").startswith(wasm)
    assert same_code(wasm, "w1") != same_code(wasm, "w2")
    other = other_column(wasm, "payload_json")
    assert len(other) == len(wasm)
    assert b"payload_json" not in other
    with pytest.raises(UserError, match="no_such"):
        other_column(wasm, "no_such")


@given(st.integers(0, 2**40))
def test_leb128_is_read_back(number: int) -> None:
    read = 0
    for place, byte in enumerate(_leb128(number)):
        read |= (byte & 0x7F) << (7 * place)
    assert read == number


def drills() -> list[Gate]:
    found = []
    for path in sorted((ROOT / "chaos").glob("test_*.py")):
        for value in vars(importlib.import_module(f"chaos.{path.stem}")).values():
            gate = getattr(value, "gate", None)
            if isinstance(gate, Gate):
                found.append(gate)
    return found


def test_every_drill_judges_witnesses_and_convergence() -> None:
    assert len(drills()) == 19
    for gate in drills():
        assert gate.drill
        judged = {checker.invariant for checker in gate.checkers}
        assert {"I1", "I2", "I3", "I5", "I6", "I11", "I12", "I13", "I15", "I16"} <= judged, gate.id
        assert "desktop" not in gate.surfaces or {"I4", "I8"} <= judged, gate.id
        for spec in gate.spec().checkers:
            build(spec.checker, spec.params)


def test_every_drill_has_its_runbook() -> None:
    text = (ROOT / "docs" / "runbook.md").read_text()
    for gate in drills():
        assert f"## {gate.id}\n" in text, gate.id
        entry = text.split(f"## {gate.id}\n")[1].split("\n## ")[0]
        for part in ("**Does.**", "**Red means.**", "**Rollback.**"):
            assert part in entry, (gate.id, part)
