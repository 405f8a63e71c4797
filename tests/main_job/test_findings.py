"""What a gate that fails leaves for those who mend the subject: on a desktop with a known bug, on real servers."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from harness.evidence.defects import load
from harness.evidence.frames import Frame
from harness.history import FrameSeen, History, unpack
from harness.host import ROOT
from harness.variants import FOLDER, REFERENCE, make_variant
from tests.main_job.project import run

pytestmark = pytest.mark.lab


def test_the_messages_that_carried_an_event_are_beside_the_finding(tmp_path: Path) -> None:
    defect = load(FOLDER / "D12")  # an event that comes again is applied again
    config = make_variant(defect, FOLDER / defect.id, REFERENCE.parent, tmp_path / "subject")
    ended, _ = run(ROOT, tmp_path, defect.gate, config=config)
    assert ended.code == 1, ended.out + ended.err
    folder = tmp_path / "latest" / "drills" / defect.gate / "1"
    history = History.parse((folder / "history.jsonl").read_bytes())
    finding = next(
        finding
        for check in json.loads((folder / "checks.json").read_bytes())
        for finding in check.get("findings", ())
        if finding["invariant"] == defect.invariant
    )
    event = next(op for op in history.ops if op.index == finding["ops"][-1])
    written = (folder / "frames.jsonl").read_bytes()
    frames = [msgspec.json.decode(line, type=Frame) for line in written.splitlines()]

    assert event.key is not None
    carried = [frame for frame in frames if event.key in frame.contents and frame.direction == "to_client"]
    assert len(carried) >= 2, "the event and its double"
    assert {(frame.path, frame.form) for frame in carried} == {("desktop", "text")}
    assert any(frame.kind == "TransactionUpdate" for frame in carried)
    assert event.connection in {frame.connection for frame in carried}
    records = {op.index: op for op in history.of("frame")}
    assert all(unpack(records[frame.op], FrameSeen).kind == frame.kind for frame in frames)

    page = (folder / "findings.md").read_text()
    _, _, shown = page.partition("Frames at the proxy (frames.jsonl)")
    block = shown.partition("In the server")[0]
    assert any(f"op {frame.op}  {frame.kind} ({frame.size_bytes} bytes of text)" in block for frame in carried)
    assert event.key in block

    greetings = [frame for frame in frames if frame.kind == "IdentityToken"]
    assert greetings
    assert all('"token":"[redacted]"' in frame.contents for frame in greetings)
    assert b"eyJ" not in written
