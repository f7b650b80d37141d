"""The versions of a flow: what changed in words, the difference as a picture, and restore."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from patchbay.flows.document.model import Flow
from patchbay.flows.document.operations import Replace
from patchbay.flows.problems import FlowError
from patchbay.nodes.units import date
from patchbay.studio.documents.broken import bring_back
from patchbay.studio.documents.versions import Version, Versions
from patchbay.studio.pictures.picture import draw
from patchbay.studio.plain_text import plain
from patchbay.studio.server import session
from patchbay.studio.server.services import services

SHOWN = 25
"""Versions that are listed at first, and more at a time."""


@st.dialog("Versions", width="large")
def versions_dialog(path: Path) -> None:
    """The versions of the flow in a file."""
    versions = Versions(services().home, path)
    found = versions.list()
    if not found:
        st.caption("No version has been kept yet.")
        return
    left, right = st.columns((2, 3), gap="medium")
    with left:
        chosen = _list(path, found)
    with right:
        _version(path, versions, found, chosen)


def _list(path: Path, found: Sequence[Version]) -> int:
    """The versions, newest first; returns the one that is chosen."""
    key = f"versions-shown:{session.path_key(path)}"
    count = int(session.recall(key) or SHOWN)
    listed = found[:count]
    held = f"version-chosen:{session.path_key(path)}"
    was = session.recall(held)
    # Streamlit knows a choice by its words, and a version that gets a name has other ones.
    index = next((i for i, one in enumerate(listed) if (one.digest, one.at) == was), 0)
    chosen = st.radio(
        "Version", range(len(listed)), index, key=f"version:{session.path_key(path)}",
        format_func=lambda i: plain(named(listed[i])),
        captions=[plain(when(one, now=i == 0)) for i, one in enumerate(listed)],
        label_visibility="collapsed",
    )  # fmt: skip
    if len(found) > count:
        left = len(found) - count
        st.button(
            f"Show older ({left:,})", key="versions-older", type="tertiary",
            on_click=session.remember, args=(key, count + SHOWN),
        )  # fmt: skip
    chosen = chosen or 0
    session.remember(held, (listed[chosen].digest, listed[chosen].at))
    return chosen


def _version(path: Path, versions: Versions, found: Sequence[Version], chosen: int) -> None:
    """One version: what changed, as words and as a picture; its name; the way back to it."""
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
    key = f"version-name:{version.digest[:16]}:{version.at}"

    def call() -> None:
        try:
            versions.call(version, str(st.session_state[key]))
        except OSError as error:
            session.remember("notice", f"The name could not be kept: {error}")

    st.text_input(
        "Name", version.name, key=key, max_chars=80, on_change=call,
        placeholder="A name, to find it again",
    )  # fmt: skip
    opens = _opens(path)
    if st.button(
        "Restore this version", key="restore", disabled=chosen == 0 and opens, type="primary"
    ):
        _restore(path, flow, version.digest)
        st.rerun()  # the page behind the dialog shows it


def _opens(path: Path) -> bool:
    try:
        services().documents.open(path)
    except FlowError:
        return False
    return True


def _restore(path: Path, flow: Flow, digest: str) -> None:
    if not _opens(path):
        try:
            bring_back(services().home, path, digest, services().library.trash)
        except (FlowError, OSError) as error:
            why = error.in_words() if isinstance(error, FlowError) else str(error)
            session.remember("notice", f"The version could not be brought back. {why}")
            return
        session.remember("notice", "The version was brought back. The file's text is in the trash.")
        return
    document = services().documents.open(path)
    document.apply(Replace(flow=flow), client=session.client())
    document.save()
    session.remember("notice", "The version was restored. Undo takes it back.")


def named(version: Version) -> str:
    """The name of a version, else what changed."""
    if version.name:
        return version.name
    first = version.changes[0] if version.changes else "Saved"
    more = len(version.changes) - 1
    return f"{first.rstrip('.')} and {more} more" if more > 0 else first


def when(version: Version, *, now: bool) -> str:
    """When a version was saved, and by whom."""
    words = date(version.at, year=False, clock=True)
    words += f", by {version.by}" if version.by else ""
    return f"{words} (now)" if now else words


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
