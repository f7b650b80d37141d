"""A bare page around the canvas, for tests of the canvas alone."""

from __future__ import annotations

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import streamlit as st

from patchbay.flows.checks.validate import validate
from patchbay.nodes.catalog import Catalog, load_catalog
from patchbay.nodes.contract import Node, Ports
from patchbay.studio.canvas import canvas, selection
from patchbay.studio.documents.document import FlowDocument
from patchbay.studio.documents.opened import Documents

HOME = Path(os.environ["PATCHBAY_HOME"])


class NeedsMore(Node):
    """Does something with a package that nobody has."""

    kind, title, family = "test.needs_more", "Needs more", "Test"
    requires = ("no_such_package_here",)

    async def run(self, inputs, params, ctx) -> Ports:
        return self.Outputs()


@st.cache_resource
def things(missing: bool, by_hand: bool) -> tuple[Documents, Catalog]:
    """With a kind that cannot be used; with files that are saved only when somebody asks."""
    catalog = load_catalog()
    if missing:
        catalog = Catalog([*catalog, NeedsMore])
    documents = Documents(
        HOME,
        check=lambda flow, path: validate(flow, catalog, path.parent),
        background=not by_hand,
    )
    return documents, catalog


st.set_page_config(layout="wide")
name = st.query_params.get("flow", "one")
documents, catalog = things("missing" in st.query_params, name.startswith("by-hand"))
path = HOME / f"{name}.json"
if not path.exists():
    path.write_text('{"format": 1, "name": "Test", "nodes": [], "edges": []}')
document = documents.open(path)
st.session_state.setdefault("client", FlowDocument.new_client())


class Page:
    """A page with nothing beside its canvas: it writes down what it is asked for.

    What the canvas may ask for, and what becomes of it, is the product's own table.
    """

    document = document

    def run(self) -> None:
        self.wrote("run")

    def note_try(self) -> None:
        self.wrote("tried")

    def run_to(self, node: str) -> None:
        self.wrote(f"run_to {node}")

    def rerun_from(self, node: str) -> None:
        self.wrote(f"rerun_from {node}")

    def open_flow(self, name: str) -> None:
        self.wrote(f"open {name}")

    def use_template(self, name: str) -> None:
        self.wrote(f"template {name}")

    def show_documents(self, node: str) -> None:
        self.wrote(f"documents {node}")

    def make_flow(self, selection: str) -> None:
        self.wrote(f"make_flow {selection}")

    def edit_from(self, moment: str) -> None:
        self.wrote(f"edit_from {moment}")

    def open_file(self, dropped: str) -> None:
        self.wrote(f"import {len(dropped)}")

    def notice(self, words: str) -> None:
        self.wrote(words)

    def refresh(self) -> None:
        st.rerun(["canvas"])

    def wrote(self, words: str) -> None:
        st.session_state.last_command = words


@st.fragment(key="canvas", run_every=1.0 if "poll" in st.query_params else None)
def editor() -> None:
    canvas(
        document,
        catalog=catalog,
        find=documents.by_id,
        client=st.session_state.client,
        height="720px",
        readonly="readonly" in st.query_params,
        page=Page(),
    )
    chosen = selection()
    st.text(f"selected: {' '.join(chosen.nodes) or '-'}")
    st.text(f"command: {st.session_state.get('last_command', '-')}")


editor()
