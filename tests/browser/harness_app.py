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
from patchbay.studio.documents.document import Document
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
st.session_state.setdefault("client", Document.new_client())


def command(name: str, argument: str) -> None:
    if name == "save":
        document.save()
    elif name == "keep_mine":
        document.keep_mine()
    elif name == "take_theirs":
        document.take_theirs()
    st.session_state.last_command = f"{name} {argument}".strip()


@st.fragment(key="canvas", run_every=1.0 if "poll" in st.query_params else None)
def editor() -> None:
    canvas(
        document,
        catalog=catalog,
        client=st.session_state.client,
        height="720px",
        readonly="readonly" in st.query_params,
        on_command=command,
    )
    chosen = selection()
    st.text(f"selected: {' '.join(chosen.nodes) or '-'}")
    st.text(f"command: {st.session_state.get('last_command', '-')}")


editor()
