"""A param whose choices only a server knows: asked when a person presses a button, never before."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st
from pydantic import ValidationError

from patchbay.flows.wording import plural
from patchbay.nodes.contract import Node, NodeError
from patchbay.studio.inspector.declared import FieldSpec
from patchbay.studio.inspector.fields import draw_named
from patchbay.studio.inspector.tables import Write
from patchbay.studio.server import session
from patchbay.studio.words import plain

ListModels = Callable[[], list[str] | None]
"""Asks the server. Raises `NodeError`."""


def asker(cls: type[Node], params: dict[str, Any], spec: FieldSpec) -> ListModels | None:
    """Who can be asked for the choices of this param under these params; None where nobody can."""
    if spec.shape != "model" or cls.choices.__func__ is Node.choices.__func__:  # type: ignore[attr-defined]
        return None

    def ask() -> list[str] | None:
        from patchbay.flows.runs.secrets import Secrets

        try:
            given = cls.Params.model_validate(params)
        except ValidationError as error:
            raise NodeError("The settings above are not right yet.", retry=False) from error
        return cls.choices(spec.name, given, Secrets().get)

    return ask


def draw_asked(spec: FieldSpec, value: Any, name: str, write: Write, ask: ListModels) -> None:
    """The field, with what the server said when it was last asked, and a button to ask it."""
    known: list[str] = session.recall(f"{name}:known", [])

    def pressed() -> None:
        session.forget(f"{name}:refused")
        try:
            found = ask()
        except NodeError as error:
            session.remember(f"{name}:refused", (error.message, error.fix))
            return
        session.remember(f"{name}:known", found or [])
        if not found:
            session.remember(f"{name}:refused", ("The server has no models.", ""))

    draw_named(spec, value, name, write, {choice: choice for choice in known})
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.button(
            "Ask again" if known else "List models", key=f"{name}:ask", on_click=pressed,
            icon=":material/refresh:", type="tertiary", help="Asks the server what it has.",
        )  # fmt: skip
        if known:
            st.caption(f"The server has {plural(len(known), 'model')}.")
    if refused := session.recall(f"{name}:refused"):
        message, fix = refused
        st.warning(plain(message) + (f"\n\n{plain(fix)}" if fix else ""))
