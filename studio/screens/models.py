"""The models page: which weights there are, which are here, pull and delete."""

from __future__ import annotations

import streamlit as st

from nodes.contract import NodeError
from nodes.home import weights_dir
from nodes.models.weights import WeightsInfo, delete, listing
from studio import session
from studio.pulls import Pull, pulls
from studio.words import plain, size


def page() -> None:
    """Draw the page."""
    st.markdown("## Models", anchors=False)
    st.caption(
        "Weights that run on this machine, each pinned by its hash. They are fetched on first use, "
        "or here."
    )
    _list()
    st.markdown("### Get other weights", anchors=False)
    with (
        st.form("pull-other", border=False),
        st.container(horizontal=True, vertical_alignment="bottom"),
    ):
        name = st.text_input(
            "Reference", placeholder="hf:owner/repo/file.gguf", width="stretch",
            help="A GGUF file of a Hugging Face repository: hf:owner/repo/file.gguf, "
            "with @revision and #sha256=… where you know them.",
        )  # fmt: skip
        if st.form_submit_button("Pull") and name:
            pulls().start(name.strip())
            st.rerun()
    st.caption(f"They lie in {plain(str(weights_dir()))}.")


def _list() -> None:
    running = any(pull.active for pull in pulls().all())
    # Redraws itself only while something is being fetched.
    st.fragment(_rows, run_every=0.7 if running else None)()


def _rows() -> None:
    running = any(pull.active for pull in pulls().all())
    if session.recall("pulling") and not running:
        session.forget("pulling")
        st.rerun()  # the last fetch has just ended: stop redrawing
    session.remember("pulling", running)
    infos = listing()
    known = {info.name for info in infos}
    for info in infos:
        _row(info)
    for pull in pulls().all():
        if pull.name not in known:
            with st.container(border=True):
                st.markdown(f"**{plain(pull.name)}**")
                _progress(pull)


def _row(info: WeightsInfo) -> None:
    pull = pulls().get(info.name)
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{plain(info.name)}**")
            if info.present:
                st.markdown(":green-badge[on this machine]")
            st.space("stretch")
            if info.present:
                st.button(
                    "Delete",
                    key=f"delete:{info.name}",
                    on_click=_delete,
                    args=(info.name,),
                    type="tertiary",
                )
            elif pull is None or not pull.active:
                st.button("Pull", key=f"pull:{info.name}", on_click=_pull, args=(info.name,))
        facts = [size(info.size), info.license]
        if info.bits_per_weight:
            facts.append(f"{info.bits_per_weight:.1f} bits per weight")
        st.caption(plain(" · ".join(facts)))
        st.caption(f"Source: {plain(info.source)}")
        if info.sha256:
            st.caption(f"SHA-256: {info.sha256}")
        if pull and not info.present:
            _progress(pull)


def _progress(pull: Pull) -> None:
    if pull.error:
        st.error(plain(pull.error))
        return
    if not pull.active:
        return
    share = min(1.0, pull.done / pull.total) if pull.total else 0.0
    of = f" of {size(int(pull.total))}" if pull.total else ""
    st.progress(share, f"{plain(pull.label or 'Begins')} {plain(size(int(pull.done)) + of)}")
    st.button("Stop", key=f"halt:{pull.name}", on_click=pull.cancel, type="tertiary")


def _pull(name: str) -> None:
    pulls().start(name)
    st.rerun()


def _delete(name: str) -> None:
    try:
        delete(name)
    except NodeError as error:
        st.toast(plain(error.message))
