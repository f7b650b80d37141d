"""The Node tab: what is selected on the canvas, with its settings and what it gave last."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st
from pydantic import ValidationError

from patchbay.flows.document.model import NodeInstance
from patchbay.flows.document.operations import Disable, Rename, SetMeta, SetParams
from patchbay.flows.problems import Problem
from patchbay.nodes.contract import Node, NodeError
from patchbay.nodes.data import same_json
from patchbay.nodes.declaration import node_declaration
from patchbay.studio.documents.document import FlowDocument
from patchbay.studio.inspector.asked import asker, draw_asked
from patchbay.studio.inspector.declared import FieldSpec, fields_of
from patchbay.studio.inspector.fields import draw
from patchbay.studio.inspector.policy import run_policy
from patchbay.studio.inspector.variables import (
    draw_reference,
    offer_variables,
    variables_panel,
)
from patchbay.studio.runs.runner import LiveRun
from patchbay.studio.runs.steps import spent
from patchbay.studio.server import session
from patchbay.studio.server.editing import Refresh, edit
from patchbay.studio.server.services import services
from patchbay.studio.views.live import drawn_for, words
from patchbay.studio.views.memory import memory_note
from patchbay.studio.views.trace import show_trace
from patchbay.studio.views.values import show_value
from patchbay.studio.words import plain

RunNode = Callable[[str, bool], None]
"""Runs up to a node; with True, the node itself even where its result is known."""


def inspector(
    document: FlowDocument,
    selected: Sequence[str],
    live: LiveRun | None,
    refresh: Refresh,
    run_node: RunNode,
) -> None:
    """Draw the tab.

    Args:
        document: the open flow.
        selected: ids of the selected nodes.
        live: the flow's latest run.
        refresh: reruns what depends on the flow. For callbacks; does not return.
        run_node: starts a run. For callbacks.
    """
    nodes = [node for node in document.flow.nodes if node.id in set(selected)]
    with st.container(key="node-form"):
        if len(nodes) == 1:
            _node(document, nodes[0], live, refresh, run_node)
        elif nodes:
            _several(document, nodes, refresh)
        else:
            _flow(document, refresh)
        drawn_for(selected)


# --- nothing, or several nodes, selected --------------------------------------------------------


def _flow(document: FlowDocument, refresh: Refresh) -> None:
    flow = document.flow
    name = f"meta:{document.id}:description"
    key = session.widget_key(name, flow.description)

    def described() -> None:
        if session.widget_gave(name, key, st.session_state[key]):
            edit(document, SetMeta(description=st.session_state[key]), refresh)

    if not flow.nodes:
        st.markdown("**An empty flow**")
        st.markdown(
            "Drag nodes from the palette on the left, or double-click one. "
            "Draw a wire from a port on the right of one node to a port on the left of another. "
            "Then press Run.\n\n"
            "A good start is *Flow input* → *Prompt template* → *Ask a model* → *Flow output*."
        )
    else:
        st.caption("Select a node to see and change its settings.")
    memory_note(document)
    st.text_area(
        "About this flow", flow.description, key=key, on_change=described, max_chars=20_000,
        height=140,
    )  # fmt: skip
    variables_panel(document, refresh)
    if document.path:
        st.caption(f"In the file {plain(document.path.name)}. The Flows page renames it.")


def _several(document: FlowDocument, nodes: list[NodeInstance], refresh: Refresh) -> None:
    st.markdown(f"**{len(nodes)} nodes selected**")
    ids = tuple(node.id for node in nodes)
    with st.container(horizontal=True):
        st.button(
            "Switch off",
            on_click=lambda: edit(document, Disable(nodes=ids), refresh),
            disabled=all(node.disabled for node in nodes),
        )
        st.button(
            "Switch on",
            on_click=lambda: edit(document, Disable(nodes=ids, disabled=False), refresh),
            disabled=not any(node.disabled for node in nodes),
        )
    for node in nodes:
        cls = services().catalog.get(node.kind)
        st.markdown(f"- {plain(node.title or (cls.title if cls else node.id))}")


# --- one node -----------------------------------------------------------------------------------


def _node(
    document: FlowDocument,
    node: NodeInstance,
    live: LiveRun | None,
    refresh: Refresh,
    run_node: RunNode,
) -> None:
    cls = services().catalog.get(node.kind)
    problems = [p for p in document.problems() if p.node == node.id]
    _head(document, node, cls.title if cls else node.kind, refresh)
    if cls is None:
        st.warning(
            f"There is no kind of node called {plain(node.kind)} here. Its settings are kept."
        )
        st.json(node.params)
        return
    _facts(cls, node)
    described = node_declaration(cls)
    if described["install"]:
        st.warning("This node needs a package that is not installed:")
        st.code(described["install"], language=None)
    fields = fields_of(described)
    names = {spec.name for spec in fields}
    for problem in problems:
        if problem.param not in names:
            show_problem(problem)
    folder = document.folder
    for spec in fields:
        value = node.params.get(spec.name, spec.default)
        name = f"p:{document.id}:{node.id}:{spec.name}"
        write = _writer(document, node, spec, refresh)
        if draw_reference(document, node, spec, value, refresh):
            pass
        elif ask := asker(cls, node.params, spec):
            draw_asked(spec, value, name, write, ask)
        else:
            draw(spec, value, name, write, folder)
        for problem in problems:
            if problem.param == spec.name:
                show_problem(problem)
    offer_variables(document, node, fields, refresh)
    run_policy(document, node, refresh)
    with st.expander("About this node"):
        words(f"{described['doc']}\n\n{_ports(described)}", "about-node", breaks=False)
    with st.container(horizontal=True, gap="xsmall"):
        st.button(
            "Run up to here", key="run-to", on_click=run_node, args=(node.id, False),
            help="Run this node and what it needs.",
        )  # fmt: skip
        st.button(
            "Run again", key="run-again", on_click=run_node, args=(node.id, True),
            help="Run the flow, this node even where its result is known.",
        )  # fmt: skip
    _last_values(node, live)


def _facts(cls: type[Node], node: NodeInstance) -> None:
    """What is known of the node before it runs: size, bits per weight, memory."""
    try:
        facts = cls.facts(cls.Params.model_validate(node.params))
    except (ValidationError, NodeError):
        return  # what is wrong stands at its field already
    if facts:
        st.caption("  \n".join(f"{plain(name)}: {plain(value)}" for name, value in facts.items()))


def _writer(
    document: FlowDocument, node: NodeInstance, spec: FieldSpec, refresh: Refresh
) -> Callable[[Any], None]:
    def write(value: Any) -> None:
        if same_json(value, spec.default) and not spec.required:
            operation = SetParams(node=node.id, unset=(spec.name,))
        else:
            operation = SetParams(node=node.id, params={spec.name: value})
        edit(document, operation, refresh, merge=f"params {node.id} {spec.name}")

    return write


def _head(document: FlowDocument, node: NodeInstance, kind: str, refresh: Refresh) -> None:
    title_name, on_name = f"t:{document.id}:{node.id}", f"d:{document.id}:{node.id}"
    title_key = session.widget_key(title_name, node.title or "")
    on_key = session.widget_key(on_name, not node.disabled)

    def titled() -> None:
        text = " ".join((st.session_state[title_key] or "").split())[:300]
        if session.widget_gave(title_name, title_key, text):
            edit(
                document,
                Rename(node=node.id, title=text or None),
                refresh,
                merge=f"title {node.id}",
            )

    def switched() -> None:
        on = st.session_state[on_key]
        if session.widget_gave(on_name, on_key, on):
            edit(document, Disable(nodes=(node.id,), disabled=not on), refresh)

    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.text_input(
            "Title", node.title or "", key=title_key, placeholder=kind, on_change=titled,
            live=True, max_chars=300, help="What this node is called on the canvas.",
        )  # fmt: skip
        st.toggle(
            "On",
            not node.disabled,
            key=on_key,
            on_change=switched,
            help="A node that is off is skipped.",
        )
    st.caption(f"{plain(kind)} · {plain(node.id)}")


def show_problem(problem: Problem) -> None:
    """A problem at the place it is about."""
    text = plain(problem.message) + (f"\n\n{plain(problem.fix)}" if problem.fix else "")
    (st.error if problem.severity == "error" else st.warning)(text)


def _ports(described: dict[str, Any]) -> str:
    """The ports of a kind, as Markdown."""
    sides = []
    for side, ports in (("Takes", described["inputs"]), ("Gives", described["outputs"])):
        if ports:
            lines = [
                f"- **{plain(p['name'])}** ({plain(' or '.join(p['types']))}) {p['doc']}"
                for p in ports
            ]
            sides.append(f"{side}\n\n" + "\n".join(lines))
    return "\n\n".join(sides)


def _last_values(node: NodeInstance, live: LiveRun | None) -> None:
    step = live.progress.nodes.get(node.id) if live else None
    if live is None or step is None:
        return
    facts = [step.status, *spent(step.seconds, step.tokens)]
    st.markdown("**Last run** &nbsp; " + plain(" · ".join(fact for fact in facts if fact)))
    if step.problem:
        st.error(
            plain(step.problem.get("message", "")) + "\n\n" + plain(step.problem.get("fix", ""))
        )
    elif step.message:
        st.caption(plain(step.message))
    for warning in step.warnings:
        st.warning(plain(warning))
    show_trace(step.steps, f"trace:{live.id}:{node.id}")
    for side, values in (("in", live.inputs_of(node.id)), ("out", step.outputs)):
        for port, value in values.items():
            key = f"v:{live.id}:{node.id}:{side}:{port}"
            with st.expander(
                f"{plain(port)} ({side})", expanded=side == "out" and len(step.outputs) == 1,
                key=f"fold:{key}", on_change="rerun",
            ) as fold:  # fmt: skip
                if fold.open:
                    show_value(value, key)
