"""The commands of the canvas: one table, which the frontend, the editor and the harness all use."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from patchbay.flows.document.model import Flow, NodeInstance
from patchbay.flows.document.writing import save_flow
from patchbay.studio.canvas import commands
from patchbay.studio.canvas.commands import COMMANDS, perform
from patchbay.studio.documents.document import FlowDocument

SOURCES = Path(__file__).parents[2] / "studio" / "canvas" / "frontend" / "src"


class Asked:
    """A page that writes down what it is asked for."""

    def __init__(self, document: FlowDocument) -> None:
        self.document, self.heard = document, []

    def run(self) -> None:
        self.heard.append("run")

    def note_try(self) -> None:
        self.heard.append("tried")

    def run_to(self, node: str) -> None:
        self.heard.append(f"run_to {node}")

    def rerun_from(self, node: str) -> None:
        self.heard.append(f"rerun_from {node}")

    def open_flow(self, name: str) -> None:
        self.heard.append(f"open_flow {name}")

    def use_template(self, name: str) -> None:
        self.heard.append(f"use_template {name}")

    def show_documents(self, node: str) -> None:
        self.heard.append(f"show_documents {node}")

    def make_flow(self, selection: str) -> None:
        self.heard.append(f"make_flow {selection}")

    def edit_from(self, moment: str) -> None:
        self.heard.append(f"edit_from {moment}")

    def open_file(self, dropped: str) -> None:
        self.heard.append(f"open_file {dropped}")

    def notice(self, words: str) -> None:
        self.heard.append(words)

    def refresh(self) -> None:
        self.heard.append("refresh")


@pytest.fixture
def page(tmp_path: Path) -> Asked:
    path = tmp_path / "flow.json"
    save_flow(Flow(name="Mine"), path)
    return Asked(FlowDocument(path))


def sent() -> dict[str, str]:
    """The commands that the frontend sends, and where."""
    found: dict[str, str] = {}
    for source in sorted(SOURCES.rglob("*.ts*")):
        if source.name.endswith(".test.ts"):
            continue
        text = source.read_text("utf-8")
        names = re.findall(r"\.command\(\s*\"(\w+)\"", text)
        assert len(names) == len(re.findall(r"\.command\(", text)), (
            f"{source.name} sends a command whose name is not written out"
        )
        found |= dict.fromkeys(names, source.name)
    return found


def test_the_table_holds_what_the_frontend_sends() -> None:
    found = sent()
    unknown = {name: file for name, file in found.items() if name not in COMMANDS}
    table = Path(commands.__file__).name
    assert not unknown, f"the canvas sends what {table} does not know: {unknown}"
    unused = sorted(set(COMMANDS) - set(found))
    assert not unused, f"{table} has commands that no file of {SOURCES} sends: {unused}"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_does_something(name: str, page: Asked) -> None:
    document = page.document
    document.apply(_added())
    perform(name, "node", page)
    if name == "save":
        assert document.saved
    elif name not in ("keep_mine", "take_theirs"):  # their own tests are below
        assert len(page.heard) == 1


@pytest.mark.parametrize(("name", "kept"), [("keep_mine", "Mine"), ("take_theirs", "Theirs")])
def test_a_conflict_is_settled_in_the_document(name: str, kept: str, page: Asked) -> None:
    document = page.document
    assert document.path is not None
    document.apply(_added())
    save_flow(Flow(name="Theirs"), document.path)
    document.save()
    assert document.conflict is not None
    perform(name, "", page)
    assert document.conflict is None
    assert document.saved
    assert document.flow.name == kept
    assert f'"name": "{kept}"' in document.path.read_text("utf-8")


@pytest.mark.parametrize("name", ["", "keep-mine", "Run", "__class__"])
def test_what_nobody_knows_is_said(name: str, page: Asked) -> None:
    before = page.document.flow
    perform(name, "", page)
    (said,) = page.heard
    assert f'"{name}"' in said
    assert "Reload the page" in said
    assert page.document.flow is before


def _added() -> object:
    from patchbay.flows.document.operations import AddNode

    return AddNode(node=NodeInstance(id="ask", kind="io.input", version=1))
