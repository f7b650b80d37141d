"""Files that people bring to the studio: ours open, other builders' come with a report."""

from __future__ import annotations

import json

import pytest

from patchbay.flows.document.model import Flow
from patchbay.flows.document.writing import canonical_text
from patchbay.flows.problems import FlowError
from patchbay.studio.documents.importing import flow_from, foreign
from tests.flows.exchange.importing import chatflow


def test_a_flow_of_ours_is_not_foreign():
    data = canonical_text(Flow(name="Mine")).encode()
    assert foreign(data, "mine.json") is None
    assert flow_from(data).name == "Mine"


@pytest.mark.parametrize("data", [b"", b"{", b"\x89PNG\r\n", b"<svg x>", b"  \n"])
def test_what_is_no_flow_is_left_to_our_own_reader(data: bytes):
    assert foreign(data, "x.json") is None


def test_another_builders_file_comes_with_a_report():
    found = foreign(json.dumps(chatflow({"a": ("calculator", {})})).encode(), "chat.json")
    assert found is not None
    assert found[0].flow.name == "chat"
    assert found[0].report.summary() == "1 mapped"


def test_yaml_of_nobody_is_refused_in_words():
    with pytest.raises(FlowError, match="no builder"):
        foreign(b"a: 1\n", "x.yaml")
