"""The flow's variables on the Node tab, and params that take one."""

from __future__ import annotations

import json
from typing import Any

import streamlit as st

from patchbay.flows.document.model import Flow, FlowVariable, NodeInstance
from patchbay.flows.document.operations import SetMeta, SetParams
from patchbay.flows.document.variables import environments, reference, usual_environment
from patchbay.studio.documents.document import FlowDocument
from patchbay.studio.inspector.declared import FieldSpec
from patchbay.studio.inspector.tables import draw_table
from patchbay.studio.lenient_json import parse_loose
from patchbay.studio.server import session
from patchbay.studio.server.editing import Refresh, edit
from patchbay.studio.server.environments import USUAL, environment_key
from patchbay.studio.words import plain

TABLE = FieldSpec(
    name="variables",
    label="Variables",
    doc='Values that settings take by {"variable": "NAME"}. A row with an environment is the value '
    "there; one without is the value elsewhere. Never secrets.",
    shape="table",
    columns={
        "name": {"type": "string"}, "environment": {"type": "string"}, "value": {"type": "string"},
    },
)  # fmt: skip


def variables_panel(document: FlowDocument, refresh: Refresh) -> None:
    """Draw the variables of the flow, and the environment that it runs for here."""
    flow = document.flow

    def write(rows: Any) -> None:
        edit(document, SetMeta(variables=variables_of(rows)), refresh)

    with st.expander("Variables", expanded=bool(flow.variables)):
        draw_table(TABLE, rows_of(flow), f"meta:{document.id}:variables", write)
        if known := environments(flow):
            st.selectbox(
                "Run for the environment", [USUAL, *known], key=environment_key(document),
                help="Whose values the variables have in runs from here. Elsewhere: `--env NAME`, "
                "or PATCHBAY_ENV.",
            )  # fmt: skip
            if chosen := usual_environment():
                st.caption(f"This machine is {plain(chosen)}.")


def rows_of(flow: Flow) -> list[dict[str, Any]]:
    """The variables as rows: one for each value. Texts that would read as JSON stand in quotes."""
    return [
        {"name": one.name, "environment": where, "value": _written(value)}
        for one in flow.variables
        for where, value in (("", one.value), *one.environments.items())
    ]


def variables_of(rows: Any) -> tuple[FlowVariable, ...]:
    """The variables of such rows; rows without a usable name are left out."""
    values: dict[str, dict[str, Any]] = {}
    for row in rows or ():
        name = str(row.get("name") or "").strip()
        where = str(row.get("environment") or "").strip()
        if name:
            values.setdefault(name, {})[where] = _read(str(row.get("value") or ""))
    made = []
    for name, each in values.items():
        others = {where: value for where, value in each.items() if where}
        try:
            made.append(
                FlowVariable.model_validate(
                    {"name": name, "value": each.get("", ""), "environments": others}
                )
            )
        except ValueError:
            st.toast(f"{plain(name)} cannot be a name here: letters, digits, _ and - only.")
    return tuple(made)


def _written(value: Any) -> str:
    if isinstance(value, str) and not isinstance(_read(value), str):
        return json.dumps(value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _read(text: str) -> Any:
    value, fault = parse_loose(text)
    return text if fault or value is None else value


# --- params that take one -------------------------------------------------------------------------


def draw_reference(
    document: FlowDocument, node: NodeInstance, spec: FieldSpec, value: Any, refresh: Refresh
) -> bool:
    """Draw a param that takes a variable; False, and nothing drawn, where it takes none."""
    name = reference(value)
    flow = document.flow
    if name is None or not flow.variables:
        return False
    known = {one.name: one.value for one in flow.variables}
    options = [*known] if name in known else [*known, name]
    key = session.widget_key(f"v:{document.id}:{node.id}:{spec.name}", name)

    def chosen() -> None:
        set_reference(document, node, spec.name, st.session_state[key], refresh)

    def given() -> None:
        params = {spec.name: known.get(name, spec.default)}
        edit(document, SetParams(node=node.id, params=params), refresh)

    st.selectbox(
        f"{plain(spec.label)} (variable)", options, options.index(name), key=key, help=spec.doc,
        on_change=chosen,
    )  # fmt: skip
    st.button(
        "Use a value of its own", key=f"{key}:own", on_click=given,
        help="Write the value here, in place of the variable.",
    )  # fmt: skip
    return True


def offer_variables(
    document: FlowDocument, node: NodeInstance, fields: list[FieldSpec], refresh: Refresh
) -> None:
    """A way to have a setting taken from a variable, where the flow has some."""
    known = [one.name for one in document.flow.variables]
    free = [spec for spec in fields if reference(node.params.get(spec.name)) is None]
    if not known or not free:
        return
    with st.expander("Take a setting from a variable"):
        base = session.short_key(f"take:{document.id}:{node.id}")
        labels = {spec.name: spec.label for spec in free}
        param = st.selectbox("Setting", [*labels], key=f"{base}:p", format_func=labels.__getitem__)
        name = st.selectbox("Variable", known, key=f"{base}:v")
        st.button(
            "Take it", key=f"{base}:go", on_click=set_reference,
            args=(document, node, param, name, refresh),
        )  # fmt: skip


def set_reference(
    document: FlowDocument, node: NodeInstance, param: str, name: str, refresh: Refresh
) -> None:
    """Have a param take a variable."""
    edit(document, SetParams(node=node.id, params={param: {"variable": name}}), refresh)
