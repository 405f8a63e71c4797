"""The pictures of a drill: well-formed, complete, bounded, and nothing of a subject's words is markup."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

from hypothesis import given

from harness import history as h
from harness.evidence.drawing import MAX_ROWS, drawings, latencies
from harness.evidence.judgement import windows_of
from harness.history import Anchor, History, Op, pack
from tests.harness.checkers.cases import quick, seeds, sizes
from tests.model import generate

MS = 1_000_000


def drawn(history: History) -> dict[str, str]:
    return {name: data.decode() for name, data in drawings(history, windows_of(history))}


def texts(svg: str) -> list[str]:
    return ["".join(node.itertext()) for node in ElementTree.fromstring(svg).iter()]


@quick
@given(seeds, sizes)
def test_any_history_gives_two_pictures(seed: int, size: int) -> None:
    history = generate(seed, size)
    pictures = drawn(history)
    assert list(pictures) == ["timeline.svg", "latency.svg", "faults.jsonl"]
    assert pictures.pop("faults.jsonl").count("\n") == len(windows_of(history))
    for svg in pictures.values():
        assert "s" in texts(svg)[-1]
        assert "http" not in svg.replace("http://www.w3.org/2000/svg", ""), "it opens without a network"
    assert drawn(history).items() >= pictures.items()


def test_an_empty_history_can_be_drawn() -> None:
    files = drawn(History(Anchor(h.SCHEMA, "s", 1, 0), []))
    assert files.pop("faults.jsonl") == ""
    assert all(ElementTree.fromstring(svg) is not None for svg in files.values())


def test_rows_are_in_order_and_bounded_and_names_are_no_markup() -> None:
    ops = [Op(n, n * MS, "desktop", "connect", "ok", replica=f"d{n + 1}") for n in range(MAX_ROWS + 5)]
    ops.append(Op(len(ops), len(ops) * MS, "desktop", "connect", "ok", replica="<script>0"))
    told = texts(drawn(History(Anchor(h.SCHEMA, "s", 1, 0), ops))["timeline.svg"])
    names = [text for text in told if text.startswith(("d", "<script"))]
    assert names[:4] == ["<script>0", "d1", "d2", "d3"] or names[0] == "<script>0"
    assert any("6 more sessions" in text for text in told)


def test_windows_are_shaded_with_what_was_measured() -> None:
    on, off = h.Faulted("reset", "desktop"), h.Healed("reset", "desktop", 9, "own requests reset:", 4, 3, 1, 2)
    ops = [
        Op(0, 10 * MS, "lab", "fault_on", "ok", fault="w1", data=pack(on)),
        Op(1, 20 * MS, "lab", "fault_off", "ok", fault="w1", data=pack(off)),
        Op(2, 30 * MS, "lab", "fault_on", "ok", fault="w2", data=pack(on)),
        Op(3, 90 * MS, "desktop", "connect", "ok", replica="d1"),
    ]
    svg = drawn(History(Anchor(h.SCHEMA, "s", 1, 0), ops))["timeline.svg"]
    assert svg.count("<rect") >= 4, "background, two windows, a legend"
    assert any("own requests reset: 4, traffic 9" in text for text in texts(svg))


def test_latency_is_from_the_publish_to_its_answer_and_to_each_apply() -> None:
    ops = [
        Op(0, 10 * MS, "runtime", "publish", "invoke", key="k"),
        Op(1, 12 * MS, "runtime", "publish", "ok", op=0, key="k"),
        Op(2, 15 * MS, "desktop", "apply", "ok", key="k", data=pack(h.Applied("", live=True))),
        Op(3, 40 * MS, "desktop", "apply", "ok", key="k", data=pack(h.Applied("", live=False))),
        Op(4, 41 * MS, "desktop", "apply", "ok", key="other", data=pack(h.Applied("", live=True))),
    ]
    found = latencies(History(Anchor(h.SCHEMA, "s", 1, 0), ops))
    assert list(found.values()) == [[(10, 2.0)], [(10, 5.0)], [(10, 30.0)]]
