"""Ways on with files that hold no flow, and names of versions."""

from __future__ import annotations

from pathlib import Path

import pytest

from patchbay.flows.document.model import Flow, NodeInstance
from patchbay.flows.document.reading import read_flow
from patchbay.flows.document.writing import canonical_text
from patchbay.flows.problems import FlowError
from patchbay.studio.documents.broken import (
    LARGEST,
    bring_back,
    kept_versions,
    replace_text,
    text_of,
)
from patchbay.studio.documents.versions import Versions

TORN = '{"format": 1, "nodes": ['


def test_a_text_is_replaced_and_what_it_was_lies_in_the_trash(tmp_path: Path) -> None:
    path, trash = tmp_path / "torn.json", tmp_path / "trash"
    path.write_text(TORN, "utf-8")
    assert text_of(path) == (TORN, True)
    with pytest.raises(FlowError):
        replace_text(path, TORN + "]", trash)
    assert path.read_text("utf-8") == TORN
    replace_text(path, TORN + "]}", trash)
    assert read_flow(path) == Flow()
    assert [file.read_text("utf-8") for file in trash.iterdir()] == [TORN]


def test_what_is_no_text_or_too_long_is_only_looked_at(tmp_path: Path) -> None:
    path = tmp_path / "odd.json"
    path.write_bytes(b"\xff\xfe{}")
    text, whole = text_of(path)
    assert text.endswith("{}")
    assert not whole
    path.write_bytes(b" " * (LARGEST + 1))
    assert text_of(path)[1] is False
    with pytest.raises(IsADirectoryError):
        text_of(tmp_path)


def test_an_earlier_version_is_brought_back(tmp_path: Path) -> None:
    path, trash = tmp_path / "flow.json", tmp_path / "trash"
    versions = Versions(tmp_path, path)
    first, second = Flow(name="First"), Flow(nodes=(NodeInstance(id="a", kind="io.value"),))
    for flow in (first, second):
        versions.add(flow)
        path.write_text(canonical_text(flow), "utf-8")
    path.write_text(TORN, "utf-8")
    newest, oldest = kept_versions(tmp_path, path)
    bring_back(tmp_path, path, oldest.digest, trash)
    assert read_flow(path) == first
    assert [file.read_text("utf-8") for file in trash.iterdir()] == [TORN]
    lost = tmp_path / "versions" / "contents" / newest.digest[:2] / f"{newest.digest}.json"
    lost.unlink()
    assert [version.digest for version in kept_versions(tmp_path, path)] == [oldest.digest]
    with pytest.raises(FlowError):
        bring_back(tmp_path, path, newest.digest, trash)


def test_versions_have_names_that_stay_theirs(tmp_path: Path) -> None:
    path = tmp_path / "flow.json"
    times = iter([10.0, 20.0, 30.0])
    versions = Versions(tmp_path, path, clock=lambda: next(times))
    for name in ("A", "B", "A"):  # the third has the content of the first
        versions.add(Flow(name=name))
    third, _, first = versions.list()
    versions.call(first, " As   handed in ")
    versions.call(third, "Now")
    versions.call(third, "")
    assert [one.name for one in Versions(tmp_path, path).list()] == ["", "", "As handed in"]
    assert versions.add(Flow(name="A")) is None, "a name is no version"
