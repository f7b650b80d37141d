"""The settings page: where things lie, which secrets are set, what is installed."""

from __future__ import annotations

import importlib.metadata
import platform
import re
from collections.abc import Iterator
from typing import Any

import streamlit as st

from patchbay.flows.runs.secrets import Secrets, secret_files
from patchbay.nodes.catalog import install_command, missing_packages
from patchbay.nodes.home import cache_dir, home, offline, weights_dir
from patchbay.studio.plain_text import plain
from patchbay.studio.server.services import services

USUAL = ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "HF_TOKEN")
PACKAGES = (
    "patchbay-studio", "streamlit", "pydantic", "networkx", "langchain-core", "xllamacpp",
    "sqlalchemy",
)  # fmt: skip


def page() -> None:
    """Draw the page."""
    st.markdown("## Settings", anchors=False)
    left, right = st.columns(2, gap="large")
    with left:
        _theme()
        _folders()
        _nodes()
    with right:
        _secrets()
        _versions()


def _theme() -> None:
    st.markdown("### Appearance", anchors=False)
    st.markdown(
        "Light and dark follow your system. To choose one, open the menu at the top right (⋮)."
    )


def _folders() -> None:
    st.markdown("### Folders", anchors=False)
    rows = [
        {"What": "Flows, versions, history", "Folder": str(home()), "Moved by": "PATCHBAY_HOME"},
        {"What": "Weights of models", "Folder": str(weights_dir()), "Moved by": "PATCHBAY_WEIGHTS"},
        {"What": "Cached results", "Folder": str(cache_dir()), "Moved by": "PATCHBAY_CACHE"},
    ]
    st.table(rows)
    st.caption(
        "Nothing is fetched: PATCHBAY_OFFLINE is set." if offline()
        else "Set PATCHBAY_OFFLINE=1 so that nothing is ever fetched."
    )  # fmt: skip


def _secrets() -> None:
    st.markdown("### Secrets", anchors=False)
    st.markdown(
        "A flow names a secret and never holds it. It is looked up when a node runs: in the "
        "environment, then in secrets.toml."
    )
    secrets = Secrets()
    names = list(dict.fromkeys([*_named(), *USUAL]))
    st.table(
        [{"Name": n, "Here": "set" if secrets.find(n) is not None else "not set"} for n in names]
    )
    st.caption("Looked for in: " + plain(", ".join(map(str, secret_files()))))


def _named() -> Iterator[str]:
    """The secrets that a person's flows name."""
    for entry in services().library.own():
        for node in entry.flow.nodes if entry.flow else ():
            yield from _references(node.params)


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        name = value.get("secret")
        if len(value) == 1 and isinstance(name, str) and re.fullmatch(r"\w{1,100}", name):
            yield name
        for item in value.values():
            yield from _references(item)
    elif isinstance(value, list):
        for item in value:
            yield from _references(item)


def _nodes() -> None:
    catalog = services().catalog
    waiting = [(cls, missing) for cls in catalog if (missing := missing_packages(cls))]
    if waiting or catalog.problems:
        st.markdown("### Nodes that cannot run here", anchors=False)
    for cls, missing in waiting:
        st.markdown(f"**{plain(cls.title)}** needs")
        st.code(install_command(missing), language=None)
    for problem in catalog.problems:
        st.warning(f"{plain(problem.source)}: {plain(problem.message)}")


def _versions() -> None:
    st.markdown("### Versions", anchors=False)
    rows = [{"Package": "Python", "Version": platform.python_version()}]
    for name in PACKAGES:
        try:
            rows.append({"Package": name, "Version": importlib.metadata.version(name)})
        except importlib.metadata.PackageNotFoundError:
            rows.append({"Package": name, "Version": "not installed"})
    st.table(rows)
