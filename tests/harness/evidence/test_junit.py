"""JUnit: XML that any reader takes, whatever a subject's words are."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from pathlib import Path

from harness.evidence.junit import junit
from tests.harness.evidence.test_render import one


def test_junit_is_xml_with_unique_names_whatever_the_reasons(tmp_path: Path) -> None:
    suite = ElementTree.fromstring(junit(one(tmp_path)))
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("2", "1", "1")
    names = [(case.get("classname"), case.get("name")) for case in suite]
    assert len(set(names)) == len(names) == 2
    failure = suite.find("testcase/failure")
    assert failure is not None
    assert "<script>" in (failure.text or "")
