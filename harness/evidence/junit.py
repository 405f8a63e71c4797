"""A signoff as JUnit XML, for the pages of CI. Pure.

junit(signoff)
"""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

from harness.evidence.signoff import Signoff
from harness.verdict import Verdict


def junit(signoff: Signoff) -> bytes:
    """JUnit XML: one case a gate, unique by class and name; UNKNOWN is an error, MISSING is skipped."""
    gates = signoff.gates
    suite = ElementTree.Element(
        "testsuite",
        name="signoff",
        tests=str(len(gates)),
        failures=str(sum(g.verdict is Verdict.FAIL for g in gates)),
        errors=str(sum(g.verdict is Verdict.UNKNOWN for g in gates)),
        skipped=str(sum(g.verdict is Verdict.MISSING for g in gates)),
        time=f"{signoff.run_s:.3f}",
    )
    tags = {Verdict.FAIL: "failure", Verdict.UNKNOWN: "error", Verdict.MISSING: "skipped"}
    for gate in gates:
        area, _, name = gate.id.partition("/")
        case = ElementTree.SubElement(
            suite, "testcase", classname=f"signoff.{area}", name=name, time=f"{gate.duration_s:.3f}"
        )
        if gate.verdict in tags:
            text = printable("; ".join(gate.reasons[:5]))
            ElementTree.SubElement(case, tags[gate.verdict], message=text[:500]).text = f"{text}\nrepeat: {gate.repeat}"
    rendered: bytes = ElementTree.tostring(suite, encoding="utf-8", xml_declaration=True)
    return rendered


def printable(text: str) -> str:
    """Without the characters that XML cannot hold."""
    return "".join(
        char if char in "\t\n\r" or (char >= " " and char not in "￾￿" and not "\ud800" <= char <= "\udfff") else "�"
        for char in text
    )
