"""The recorder: numbered, stamped, redacted, written at once."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest

from harness.errors import EvidenceError
from harness.evidence.judgement import trouble_of
from harness.evidence.recorder import MAX_ERROR_CHARS, Recorder, note_trouble
from harness.evidence.redact import Redactor
from harness.history import Applied, History, unpack

TOKEN = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJtYWRlLXVwIn0.bm8tc2lnbmF0dXJl"


def test_ops_are_numbered_stamped_and_there_before_it_is_closed(tmp_path: Path) -> None:
    with Recorder(tmp_path / "a" / "h.jsonl", "s") as record:
        first = record.op("runtime", "publish", "invoke", stream="s", key="k")
        record.op("runtime", "apply", data=Applied("h", live=True), op=first.index)
        history = History.parse((tmp_path / "a" / "h.jsonl").read_bytes())
    assert [op.index for op in history.ops] == [0, 1]
    assert history.ops[0].t_ns <= history.ops[1].t_ns
    assert unpack(history.ops[1], Applied).live
    assert history.anchor.scenario == "s"


def test_what_is_judged_is_what_was_written(tmp_path: Path) -> None:
    with Recorder(tmp_path / "h.jsonl", "s") as record:
        record.op("a", "settle")
        assert record.history().dump() == (tmp_path / "h.jsonl").read_bytes()


def test_another_history_begins_at_zero(tmp_path: Path) -> None:
    with Recorder(tmp_path / "one.jsonl", "s") as record:
        record.op("a", "settle")
        record.begin(tmp_path / "two.jsonl", "s#sabotage")
        record.op("a", "settle")
        assert [op.index for op in record.history().ops] == [0]
    assert len(History.parse((tmp_path / "one.jsonl").read_bytes()).ops) == 1


def test_late_events_after_the_end_are_dropped(tmp_path: Path) -> None:
    record = Recorder(tmp_path / "h.jsonl", "s")
    record.close()
    record.op("a", "settle")
    assert History.parse((tmp_path / "h.jsonl").read_bytes()).ops == ()


def test_secrets_and_long_errors_are_cut(tmp_path: Path) -> None:
    with Recorder(tmp_path / "h.jsonl", "s", Redactor({"bearer-bearer"})) as record:
        record.op("a", "mint", "fail", error=f"sent {TOKEN} and bearer-bearer " + "x" * 2_000)
    text = (tmp_path / "h.jsonl").read_text()
    assert "eyJ" not in text
    assert "bearer-bearer" not in text
    assert len(text.splitlines()[1]) < MAX_ERROR_CHARS + 300


def test_a_disk_that_takes_no_more_is_an_evidence_error(tmp_path: Path) -> None:
    """A limit on the size of files stands for a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with Recorder(tmp_path / "h.jsonl", "s") as record:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, hard))
        try:
            with pytest.raises(EvidenceError, match="cannot be written"):
                for _ in range(100):
                    record.op("a", "settle", error="x" * 200)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("before", [400, 420, 440, 460, 480, 499])
def test_a_secret_across_the_cut_of_a_long_error_leaves_no_head(tmp_path: Path, before: int) -> None:
    with Recorder(tmp_path / "h.jsonl", "s", Redactor({"bearer-bearer"})) as record:
        record.op("a", "mint", "fail", error="x" * before + TOKEN)
        record.op("a", "mint", "fail", error="x" * (before - 5) + " bearer-bearer")
    text = (tmp_path / "h.jsonl").read_text()
    assert "eyJ" not in text
    assert "bearer" not in text


def test_a_history_that_cannot_be_begun_is_an_evidence_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(EvidenceError, match="cannot be written"):
        Recorder(tmp_path / "file" / "h.jsonl", "s")


def test_trouble_is_the_last_op_of_a_history_that_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "h.jsonl"
    with Recorder(path, "s") as record:
        record.op("gate", "settle")
    note_trouble(path, "no end within 3 s")
    assert trouble_of(History.parse(path.read_bytes())) == "no end within 3 s"
    note_trouble(path, "and then it died")
    history = History.parse(path.read_bytes())
    assert ([op.index for op in history.ops], trouble_of(history)) == ([0, 1, 2], "and then it died")


@pytest.mark.parametrize("content", [None, b"", b"nothing\n", b'{"schema":"x'])
def test_a_history_that_cannot_be_read_stays_as_it_is(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "h.jsonl"
    if content is not None:
        path.write_bytes(content)
    note_trouble(path, "it died")
    assert (path.read_bytes() if path.exists() else None) == content
