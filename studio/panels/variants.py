"""What an experiment varies: params of nodes as axes, with the values that each takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st

from patchbay.flows.document.model import Flow
from patchbay.flows.experiments.plan import PlannedAxis
from patchbay.flows.experiments.variants import value_text
from patchbay.flows.wording import plural
from patchbay.nodes.declaration import node_declaration
from patchbay.studio.inspector.declared import FieldSpec, fields_of
from patchbay.studio.lenient_json import parse_lenient
from patchbay.studio.plain_text import plain
from patchbay.studio.server import session
from patchbay.studio.server.services import services

SHORT = ("text", "integer", "number", "slider", "choice", "switch", "model", "adapter", "file",
         "folder", "flow")  # fmt: skip
"""Shapes whose values are words in a row; those of others are written one below the other."""


@dataclass(frozen=True)
class VariedParam:
    """A param that may be varied: of which node, its field, and what it is now."""

    node: str
    title: str
    field: FieldSpec
    value: Any

    @property
    def label(self) -> str:
        """`Ask · Temperature`."""
        return f"{self.title} · {self.field.label}"


def params_of(flow: Flow) -> dict[tuple[str, str], VariedParam]:
    """Every param of a flow's nodes that has a value to vary."""
    found = {}
    titles = _titles(flow)
    for node in flow.nodes:
        cls = services().catalog.get(node.kind)
        if cls is None:
            continue
        for spec in fields_of(node_declaration(cls)):
            if spec.shape != "secret":
                value = node.params.get(spec.name, spec.default)
                found[node.id, spec.name] = VariedParam(node.id, titles[node.id], spec, value)
    return found


def _titles(flow: Flow) -> dict[str, str]:
    """What nodes are called; with their ids where two are called the same."""
    named = {}
    for node in flow.nodes:
        cls = services().catalog.get(node.kind)
        named[node.id] = node.title or (cls.called(node.params) if cls else node.id)
    many = list(named.values())
    return {i: title if many.count(title) == 1 else f"{title} ({i})" for i, title in named.items()}


def axes_editor(flow: Flow, axes: list[PlannedAxis], key: str) -> list[PlannedAxis]:
    """Draw the axes, and give them as they are now.

    Args:
        flow: the flow that is varied.
        axes: as they were when the page was opened.
        key: unique on the page.
    """
    params = params_of(flow)
    draft: dict[int, PlannedAxis] = session.once(f"{key}:axes", lambda: dict(enumerate(axes)))
    for number in list(draft):
        with st.container(border=True, key=f"{key}:axis:{number}"):
            _axis(params, draft, number, key)
    st.button(
        "Vary a param", icon=":material/add:", key=f"{key}:add", on_click=_add,
        args=(draft, params, key), disabled=not params,
    )  # fmt: skip
    return list(draft.values())


def _add(
    draft: dict[int, PlannedAxis], params: Mapping[tuple[str, str], VariedParam], key: str
) -> None:
    taken = {(axis.node, axis.param) for axis in draft.values()}
    place = next((place for place in params if place not in taken), next(iter(params)))
    first = next((p for p, known in params.items() if p not in taken and known.field.shape in
                  ("textarea", "number", "slider", "model")), place)  # fmt: skip
    # Never the number of one that was taken away: what its fields held would come back with it.
    number = max(session.recall(f"{key}:numbers", 0), max(draft, default=-1) + 1)
    session.remember(f"{key}:numbers", number + 1)
    draft[number] = PlannedAxis(node=first[0], param=first[1], values=[params[first].value])


def _axis(
    params: Mapping[tuple[str, str], VariedParam],
    draft: dict[int, PlannedAxis],
    number: int,
    key: str,
) -> None:
    axis = draft[number]
    places = list(params)
    at = (axis.node, axis.param)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        chosen = st.selectbox(
            "Param", places, places.index(at) if at in params else None,
            key=f"{key}:param:{number}", format_func=lambda place: params[place].label,
            placeholder=f"{axis.node}.{axis.param} is gone" if at not in params else "Param",
        )  # fmt: skip
        st.button(
            "", icon=":material/close:", key=f"{key}:drop:{number}", type="tertiary",
            help="Do not vary it", on_click=_drop, args=(draft, number),
        )  # fmt: skip
    if chosen is None:
        return
    if chosen != at:
        axis = PlannedAxis(node=chosen[0], param=chosen[1], values=[params[chosen].value])
        draft[number] = axis
    known = params[chosen]
    name = f"{key}:{number}:{chosen[0]}.{chosen[1]}"
    values = _words(known, axis, name) if known.field.shape in SHORT else _long(known, axis, name)
    draft[number] = PlannedAxis(node=axis.node, param=axis.param, values=values)
    st.caption(plural(len(values), "value"))


def _words(known: VariedParam, axis: PlannedAxis, key: str) -> list[Any]:
    """Values that are words: chosen, or typed."""
    shape = known.field.shape
    options: list[str] = [value_text(value) for value in axis.values]
    if shape == "switch":
        options += ["true", "false"]
    options += [value_text(choice) for choice in known.field.choices]
    options.append(value_text(known.value))
    given = st.multiselect(
        "Values", list(dict.fromkeys(options)), [value_text(value) for value in axis.values],
        key=f"{key}:values", accept_new_options=shape not in ("choice", "switch"),
        placeholder="Type a value and press Enter",
    )  # fmt: skip
    return [_value(text, known.field) for text in given]


def _value(text: str, spec: FieldSpec) -> Any:
    """What a typed word stands for, by what the param takes."""
    for choice in spec.choices:
        if value_text(choice) == text:
            return choice
    if text == "null" and spec.nullable:
        return None
    if spec.shape in ("integer", "number", "slider", "switch"):
        value, error = parse_lenient(text)
        return text if error else value
    return text


def _long(known: VariedParam, axis: PlannedAxis, key: str) -> list[Any]:
    """Values that need room: prompts, examples, tables; each in a field of its own."""
    texts: dict[int, str] = session.once(
        f"{key}:texts", lambda: {i: value_text(value) for i, value in enumerate(axis.values)}
    )
    is_text = known.field.shape in ("textarea", "code")
    values: list[Any] = []
    for count, i in enumerate(list(texts), 1):
        texts[i] = st.text_area(
            f"Value {count}", texts[i], key=f"{key}:text:{i}", height=90 if is_text else 120
        )
        value, error = (texts[i], "") if is_text else parse_lenient(texts[i])
        if error:
            st.caption(f":red[{plain(error)}]")
        values.append(texts[i] if error else value)
    with st.container(horizontal=True, gap="small"):
        st.button("Another value", icon=":material/add:", key=f"{key}:more", type="tertiary",
                  on_click=_another, args=(texts,))  # fmt: skip
        if len(texts) > 1:
            st.button("Without the last", icon=":material/remove:", key=f"{key}:less",
                      type="tertiary", on_click=_drop, args=(texts, max(texts)))  # fmt: skip
    return values


def _drop(held: dict[int, Any], number: int) -> None:
    held.pop(number, None)


def _another(texts: dict[int, str]) -> None:
    texts[max(texts, default=-1) + 1] = texts[max(texts)] if texts else ""
