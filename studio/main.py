"""The script that Streamlit runs for every session: page setup and navigation."""

from pathlib import Path

import streamlit as st

from patchbay.studio.screens import editor, flows, models, runs, settings
from patchbay.studio.server import session

ASSETS = Path(__file__).parent / "assets"

st.set_page_config(
    page_title="Patchbay",
    page_icon=str(ASSETS / "icon.png"),
    layout="wide",
    initial_sidebar_state="collapsed",
)
# Our own style sheet; nothing that a flow contains is ever put into it.
st.html(ASSETS / "studio.css")
st.logo(ASSETS / "logo.svg", size="large")

pages = {
    "flows": st.Page(flows.page, title="Flows", url_path="flows", default=True),
    "editor": st.Page(editor.page, title="Editor", url_path="editor"),
    "runs": st.Page(runs.page, title="Runs", url_path="runs"),
    "models": st.Page(models.page, title="Models", url_path="models"),
    "settings": st.Page(settings.page, title="Settings", url_path="settings"),
}
for name, page in pages.items():
    session.remember(f"page:{name}", page)

st.navigation(list(pages.values()), position="top").run()
