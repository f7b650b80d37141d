"""The versions of a flow: what changed in words, the difference as a picture, and restore."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from patchbay.flows.document.model import Flow
from patchbay.flows.document.operations import Replace
from patchbay.flows.problems import FlowError
from patchbay.nodes.units import date
from patchbay.studio.documents.versions import Version, Versions
from patchbay.studio.pictures.picture import draw
from patchbay.studio.server import session
from patchbay.studio.server.services import services
from patchbay.studio.words import plain


@st.dialog("Versions", width="large")
def versions_dialog(path: Path) -> None:
    """The versions of the flow in a file."""
    versions = Versions(services().home, path)
    found = versions.list()
    if not found:
        st.caption("No version has been kept yet.")
        return
    chosen = st.selectbox(
        "Version", range(len(found)), key=f"version:{session.path_key(path)}",
        format_func=lambda i: _label(found[i], i),
    )  # fmt: skip
    version = found[chosen]
    st.markdown("\n".join(f"- {plain(line)}" for line in version.changes))
    try:
        flow = versions.read(version.digest)
        before = versions.read(found[chosen + 1].digest) if chosen + 1 < len(found) else None
    except (FlowError, ValueError) as error:
        st.error(plain(str(error)))
        return
    st.image(difference(before, flow), width="stretch")
    st.caption("Green was added, red was removed, yellow was changed." if before else "")

    def restore() -> None:
        document = services().documents.open(path)
        document.apply(Replace(flow=flow), client=session.client())
        document.save()
        session.remember("notice", "The version was restored. Undo takes it back.")

    st.button(
        "Restore this version",
        key="restore",
        on_click=restore,
        disabled=chosen == 0,
        type="primary",
    )


def _label(version: Version, index: int) -> str:
    at = date(version.at, year=False, clock=True)
    first = version.changes[0] if version.changes else ""
    more = f" and {len(version.changes) - 1} more" if len(version.changes) > 1 else ""
    by = f" (by {version.by})" if version.by else ""
    return f"{at}{by}: {first}{more}" + (" (now)" if index == 0 else "")


def difference(before: Flow | None, after: Flow) -> str:
    """Both flows in one picture: what went is drawn too."""
    dark = getattr(st.context.theme, "type", None) == "dark"
    if before is None:
        return draw(after, services().catalog).svg(dark=dark)
    old, new = before.by_id(), after.by_id()
    gone = [node for key, node in old.items() if key not in new]
    marks = {node.id: "removed" for node in gone}
    for key, node in new.items():
        if key not in old:
            marks[key] = "added"
        elif old[key] != node:
            marks[key] = "changed"
    wires_before = {(e.source, e.target) for e in before.edges}
    wires_after = {(e.source, e.target) for e in after.edges}
    lines = dict.fromkeys(wires_after - wires_before, "added")
    lines |= dict.fromkeys(wires_before - wires_after, "removed")
    lost = [e for e in before.edges if (e.source, e.target) not in wires_after]
    both = after.model_copy(
        update={
            "nodes": (*after.nodes, *gone),
            "edges": (*after.edges, *lost),
            "layout": {**before.layout, **after.layout},
        }
    )
    return draw(both, services().catalog, marks=marks, line_marks=lines).svg(dark=dark)
