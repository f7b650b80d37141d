"""The models page: which weights there are, which are here, pull and delete."""

from __future__ import annotations

import streamlit as st

from patchbay.flows.runs.defaults import default_pool
from patchbay.flows.wording import plural
from patchbay.nodes.contract import NodeError
from patchbay.nodes.home import weights_dir
from patchbay.nodes.specs import Spec
from patchbay.nodes.units import size_in_words
from patchbay.nodes.weights.resolve import WeightsInfo, delete, listing
from patchbay.studio.panels.model_choice import catalogue, elsewhere_on_disk, progress, search
from patchbay.studio.plain_text import plain
from patchbay.studio.runs.pulls import pulls
from patchbay.studio.server import session

SECTIONS = (
    ("Quantized models", "GGUF files, for *Quantized local model*.", False),
    ("Folders of weights", "Safetensors, for embeddings and Transformers.", True),
)
"""What there is, in words, and whether it is a folder."""


PLACES = ("On this machine", "Catalogue", "Hugging Face and Ollama", "Search")
"""Where models are looked for, as the page calls it."""


def page() -> None:
    """Draw the page."""
    st.markdown("## Models", anchors=False)
    running = any(pull.active for pull in pulls().all())
    # Redraws itself only while something is being fetched.
    st.fragment(_places, run_every=0.7 if running else None)()
    _in_memory()


def _places() -> None:
    running = any(pull.active for pull in pulls().all())
    if session.recall("pulling") is not None and session.recall("pulling") != running:
        session.remember("pulling", running)
        st.rerun()  # a fetch has just begun or ended: the page begins or stops to redraw itself
    session.remember("pulling", running)
    place = st.segmented_control(
        "Where", PLACES, default=PLACES[0], key="models-where", label_visibility="collapsed"
    )
    if place == "Catalogue":
        catalogue()
    elif place == "Hugging Face and Ollama":
        elsewhere_on_disk()
    elif place == "Search":
        search()
    else:
        _here()


def _here() -> None:
    st.caption(
        "Weights that run on this machine, each pinned by its hash. They are fetched on first use, "
        "or here."
    )
    _rows()
    _adapters()
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
        if st.form_submit_button("Fetch") and name:
            pulls().start(name.strip())
            st.rerun()
    st.caption(f"They lie in {plain(str(weights_dir()))}.")


def _rows() -> None:
    infos = listing()
    known = {info.name for info in infos}
    for title, about, folders in SECTIONS:
        of_kind = [info for info in infos if info.is_folder == folders]
        if of_kind:
            st.markdown(f"### {title}", anchors=False)
            st.caption(about)
        for info in of_kind:
            _row(info)
    for pull in pulls().all():
        if pull.name not in known:
            with st.container(border=True):
                st.markdown(f"**{plain(pull.name)}**")
                progress(pull)


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
                st.button("Fetch", key=f"pull:{info.name}", on_click=_pull, args=(info.name,))
        facts = [size_in_words(info.size), info.license]
        if info.bits_per_weight:
            facts.append(f"{info.bits_per_weight:.1f} bits per weight")
        st.caption(plain(" · ".join(facts)))
        st.caption(f"Source: {plain(info.source)}")
        if info.sha256:
            st.caption(f"SHA-256: {info.sha256}")
        if pull and not info.present:
            progress(pull)


def _adapters() -> None:
    """The small adapters that come along; others are folders, or fetched by the node itself."""
    from patchbay.nodes.models.transformers.adapter import read_adapter, shipped

    st.markdown("### LoRA adapters", anchors=False)
    st.caption("For *LoRA adapter*: small changes to a model that share its weights.")
    for name in shipped():
        with st.container(border=True):
            st.markdown(f"**{plain(name)}** :green-badge[comes with Patchbay]")
            try:
                adapter = read_adapter(name)
            except NodeError as error:
                st.error(plain(error.message))
                continue
            if adapter is None:
                continue
            facts = [size_in_words(adapter.bytes), f"rank {adapter.rank}"]
            facts.append(plural(len(adapter.layers), "layer"))
            facts += [f"made for {adapter.base}"] if adapter.base else []
            st.caption(plain(" · ".join(facts)))


def _in_memory() -> None:
    """What runs of this process have opened and still hold, so that the next run is quick."""
    resident = default_pool().resident()
    st.markdown("### In memory now", anchors=False)
    if not resident:
        st.caption("Nothing. A run loads what it needs, and what is idle is let go by itself.")
        return
    rows = [
        {
            "what": spec.type_id(),
            "which": name_of(spec),
            "where": "processor" if spec.gpu is None else f"graphics card {spec.gpu}",
            "estimated": size_in_words(taken) if taken else "not known",
            "in use": used,
        }
        for spec, taken, used in resident
    ]
    st.dataframe(rows, hide_index=True)
    st.button(
        "Let go of what is idle", on_click=default_pool().close,
        help="Frees the memory. The next run opens again what it needs.",
    )  # fmt: skip


def name_of(spec: Spec) -> str:
    """The field of a description that says which one it is, as people know it."""
    for field in ("weights", "model", "name", "base", "folder"):
        value = getattr(spec, field, None)
        if isinstance(value, str) and value:
            return value
    return ""


def _pull(name: str) -> None:
    pulls().start(name)


def _delete(name: str) -> None:
    try:
        delete(name)
    except NodeError as error:
        st.toast(plain(error.message))
