"""The script that Streamlit runs for every session: page setup and navigation."""

import streamlit as st

from patchbay.studio.screens import flows
from patchbay.studio.server import session, wished_page

# The icon and the style are parts of the page itself: see patchbay.studio.server.page.
st.set_page_config(page_title="Patchbay", layout="wide", initial_sidebar_state="collapsed")
st.logo(":material/hub:", size="large")  # the style sheet draws ours in its place


# Only the page that is shown is imported: people wait for the first one.


def _editor() -> None:
    from patchbay.studio.screens import editor

    editor.page()


def _runs() -> None:
    from patchbay.studio.screens import runs

    runs.page()


def _tables() -> None:
    from patchbay.studio.screens import tables

    tables.page()


def _experiments() -> None:
    from patchbay.studio.screens import experiments

    experiments.page()


def _inbox() -> None:
    from patchbay.studio.screens import inbox

    inbox.page()


def _models() -> None:
    from patchbay.studio.screens import models

    models.page()


def _settings() -> None:
    from patchbay.studio.screens import settings

    settings.page()


pages: dict[wished_page.PageName, st.Page] = {
    "flows": st.Page(flows.page, title="Flows", url_path="flows", default=True),
    "editor": st.Page(_editor, title="Editor", url_path="editor"),
    "runs": st.Page(_runs, title="Runs", url_path="runs"),
    "tables": st.Page(_tables, title="Tables", url_path="tables"),
    "experiments": st.Page(_experiments, title="Experiments", url_path="experiments"),
    "inbox": st.Page(_inbox, title="Inbox", url_path="inbox"),
    "models": st.Page(_models, title="Models", url_path="models"),
    "settings": st.Page(_settings, title="Settings", url_path="settings"),
}
for name, page in pages.items():
    session.remember(f"page:{name}", page)

wished_page.draw(pages, st.navigation(list(pages.values()), position="top"))
