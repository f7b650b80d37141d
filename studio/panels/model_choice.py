"""Models that one can choose: the catalogue, stores of other programs, a hub, an Ollama server."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from patchbay.flows.machine import allowed_memory
from patchbay.flows.problems import FlowError
from patchbay.flows.wording import plural
from patchbay.nodes.errors import NodeError
from patchbay.nodes.models.llama.memory import footprint
from patchbay.nodes.units import size_in_words
from patchbay.nodes.weights.catalogue import CATALOGUE, FitsHere, fit
from patchbay.nodes.weights.gguf_header import Header
from patchbay.nodes.weights.hub_search import HubFile, hub_files, search_hub
from patchbay.nodes.weights.listed_model import FACTS, ListedModel
from patchbay.nodes.weights.on_disk import OnDisk, on_disk
from patchbay.nodes.weights.resolve import find
from patchbay.studio.plain_text import plain
from patchbay.studio.runs.pulls import Pull, pulls
from patchbay.studio.server import session
from patchbay.studio.server.wished_page import open_in_editor

BADGES: dict[FitsHere, str] = {
    "fits": ":green-badge[fits here]",
    "full": ":orange-badge[fits once memory is free]",
    "large": ":red-badge[too large for this machine]",
}
CONTEXT, ONE = 4096, 1
"""Tokens of context and requests at once that the estimates are for."""
SHOWN = ("All", "Fits here", "Uses tools", "On this machine")
FOUND = "hub-found"
"""What the last search of the hub found: `(words, models)`, or why it found nothing."""
FILES = "hub-files"
SERVER = "ollama-found"


def needed(size: int, header: Header) -> int:
    """Bytes that a model takes for one request with the usual context."""
    return footprint(size, header, CONTEXT, ONE, 0).total


def fits_here(bytes_needed: int) -> FitsHere:
    """Whether so much fits into this machine now."""
    import psutil

    return fit(bytes_needed, allowed_memory(), int(psutil.virtual_memory().available))


# --- the catalogue ------------------------------------------------------------------------------


def catalogue() -> None:
    """Small open models, the smallest first."""
    st.caption(
        f"{len(CATALOGUE)} small open models, each one file. What a model takes of the memory is "
        f"estimated for one request of {CONTEXT:,} tokens. Facts are as others publish them. "
        "A file must have the hash that is pinned; where none is, the one that the hub gives."
    )
    shown = st.segmented_control(
        "Show", SHOWN, default=SHOWN[0], key="catalogue-shown", label_visibility="collapsed"
    )
    rows = [(offer, find(offer.reference) is not None) for offer in CATALOGUE]
    found = [(offer, here) for offer, here in rows if _is_wanted(offer, here, shown)]
    for offer, here in found:
        _offer(offer, here)
    if not found:
        st.caption("None of them.")


def _is_wanted(offer: ListedModel, here: bool, shown: str | None) -> bool:
    if shown == "Fits here":
        return fits_here(needed(offer.size, offer.header)) == "fits"
    if shown == "Uses tools":
        return bool(offer.tools)
    return here or shown != "On this machine"


def _offer(offer: ListedModel, here: bool) -> None:
    takes = needed(offer.size, offer.header)
    facts = [
        f"{offer.parameters:,.0f} million parameters",
        f"{offer.precision}, {offer.bits:.1f} bits",
        size_in_words(offer.size) if offer.pinned else f"about {size_in_words(offer.size)}",
        f"takes about {size_in_words(takes)}",
    ]
    more = [offer.stated(fact) for fact in FACTS]
    _row(
        offer.name, offer.reference, facts, more, here=here, badge=BADGES[fits_here(takes)],
        key=f"offer:{offer.reference}",
    )  # fmt: skip


def _row(
    name: str, reference: str, facts: Sequence[str], more: Sequence[str], *, here: bool,
    badge: str, key: str,
) -> None:  # fmt: skip
    pull = pulls().get(reference)
    with st.container(border=True, gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{plain(name)}** {badge}" + (" :blue-badge[here]" if here else ""))
            st.space("stretch")
            if not here and (pull is None or not pull.active):
                st.button("Fetch", key=f"fetch:{key}", on_click=fetch, args=(reference,))
            if st.button(
                "Try in a flow", key=f"try:{key}", type="tertiary",
                help="A new flow that asks it a question.",
            ):  # fmt: skip
                try:
                    try_out(reference, name)
                except FlowError as error:  # the disk refuses
                    st.toast(plain(str(error)))
                else:
                    st.rerun()
        st.caption(plain(" · ".join(fact for fact in facts if fact)))
        if told := " · ".join(fact for fact in more if fact):
            st.caption(plain(told))
        if pull and not here:
            progress(pull)


def fetch(reference: str) -> None:
    """Begin to fetch weights."""
    pulls().start(reference)


def try_out(reference: str, name: str) -> None:
    """A new flow that asks a model a question, in the editor."""
    from patchbay.flows.document.reading import read_flow
    from patchbay.studio.server.services import services

    library = services().library
    ask = read_flow(library.templates_folder / "ask.json")
    models = {node.id: {"weights": reference} for node in ask.nodes if node.kind == "model.gguf"}
    flow = ask.with_params(models).model_copy(update={"name": f"Ask {name}"[:300]})
    open_in_editor(library.create(flow).stem)


def progress(pull: Pull) -> None:
    """How far a fetch is, and a button that stops it; or why it ended."""
    if pull.error:
        st.error(plain(pull.error))
        return
    if not pull.active:
        return
    share = min(1.0, pull.done / pull.total) if pull.total else 0.0
    of = f" of {size_in_words(int(pull.total))}" if pull.total else ""
    words = plain(f"{size_in_words(int(pull.done))}{of}")
    st.progress(share, f"{plain(pull.label or 'Begins')} {words}{plain(pull.rate_words())}")
    st.button("Stop", key=f"halt:{pull.name}", on_click=pull.cancel, type="tertiary")


# --- stores of other programs -------------------------------------------------------------------


def elsewhere_on_disk() -> None:
    """What Hugging Face's programs and Ollama keep on this machine."""
    known = on_disk()
    found = [one for one in known if not one.is_folder]
    folders = [one for one in known if one.is_folder]
    if not known:
        st.caption("Hugging Face's cache and Ollama's store hold none on this machine.")
    for one in found:
        _stored(one)
    for one in folders:
        with st.container(border=True, gap="xsmall"):
            st.markdown(f"**{plain(one.name)}** :blue-badge[{one.store}]")
            st.caption(f"{plain(size_in_words(one.size))} · for *Transformers model*")
            st.code(one.reference, language=None)


def _stored(one: OnDisk) -> None:
    from patchbay.nodes.weights.gguf_header import read_header

    header = read_header(one.path)
    facts = [size_in_words(one.size)]
    badge = f":blue-badge[{one.store}]"
    if header is not None and header.parameters:
        takes = needed(one.size, header)
        facts += [f"{header.precision}", f"takes about {size_in_words(takes)}"]
        badge += f" {BADGES[fits_here(takes)]}"
    _row(one.name, one.reference, facts, [], here=True, badge=badge, key=f"disk:{one.reference}")


# --- a hub, and an Ollama server ----------------------------------------------------------------


def search() -> None:
    """Ask a hub for GGUF files, and an Ollama server for what it has."""
    with (
        st.form("hub-search", border=False),
        st.container(horizontal=True, vertical_alignment="bottom"),
    ):
        words = st.text_input(
            "Search the hub", placeholder="qwen2.5 0.5b instruct", key="hub-words"
        )
        if st.form_submit_button("Search") and words.strip():
            session.remember(FOUND, _searched(words.strip()))
            session.forget(FILES)
    _hub_results()
    st.button("Ask the Ollama server", key="ask-ollama", on_click=_ask_ollama)
    if (answer := session.recall(SERVER)) is not None:
        names, why = answer
        if why:
            st.warning(plain(why))
        elif not names:
            st.caption("The server has no models yet.")
        for name in names:
            with st.container(horizontal=True, vertical_alignment="center"):
                st.markdown(f"**{plain(name)}**")
                st.code(f"ollama:{name}", language=None)


def _searched(words: str) -> tuple[str, object]:
    try:
        return words, search_hub(words)
    except NodeError as error:
        return words, _why(error)


def _hub_results() -> None:
    if (found := session.recall(FOUND)) is None:
        return
    words, models = found
    if isinstance(models, str):
        st.warning(plain(models))
        return
    if not models:
        st.caption(f"Nothing with GGUF files is called {plain(words)} there.")
    for model in models:
        with st.container(border=True, gap="xsmall"):
            with st.container(horizontal=True, vertical_alignment="center"):
                st.markdown(f"**{plain(model.repo)}**" + (" :orange-badge[gated]" * model.gated))
                st.space("stretch")
                st.button(
                    "Files", key=f"files:{model.repo}", on_click=_list_files, args=(model.repo,),
                    type="tertiary",
                )  # fmt: skip
            fetched = plural(model.downloads, "download")
            st.caption(plain(f"{fetched} · {model.license or 'license: see the repository'}"))
            repo, files = session.recall(FILES) or ("", ())
            if repo == model.repo:
                _files(files)


def _list_files(repo: str) -> None:
    try:
        session.remember(FILES, (repo, hub_files(repo)))
    except NodeError as error:
        session.remember(FILES, (repo, _why(error)))


def _files(files: Sequence[HubFile] | str) -> None:
    if isinstance(files, str):
        st.warning(plain(files))
        return
    if not files:
        st.caption("It has no GGUF files.")
    for file in files:
        here = find(file.reference) is not None
        _row(
            file.name, file.reference, [size_in_words(file.size)],
            ["pinned by the hub's hash" if file.sha256 else "the hub gives no hash for it"],
            here=here, badge="", key=f"file:{file.repo}:{file.name}",
        )  # fmt: skip


def _ask_ollama() -> None:
    from patchbay.nodes.models.servers.ollama.host import address_of, list_models

    try:
        session.remember(SERVER, (list_models(address_of("")), ""))
    except NodeError as error:
        session.remember(SERVER, ((), _why(error)))


def _why(error: NodeError) -> str:
    return f"{error.message} {error.fix}".replace("`", "").strip()
