"""How the browser gets our scripts: a few words of loader, which import them from this server.

The canvas is built into `static`; the parts that follow a run lie in `assets` and are put together
here. Streamlit would send an inline script again with every change of a component's data.
"""

from __future__ import annotations

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any

STATIC = Path(__file__).parents[1] / "static"
ASSETS = Path(__file__).parents[1] / "assets"
LIVE = "patchbay/live.js"
"""Below which address the app serves `live_script`."""

# Streamlit sends this with every change of a component's data, so it is short. Streamlit's own
# scripts tell where the app lies, even when a proxy put it below an address that the server does
# not know.
LOADER = """
export default async c => { let d = c.data, D = document
const b = ([...D.scripts].map(s => s.src.split("static/js/")).find(p => p[1]) || [d.site])[0]
return (await import(new URL(b + d.js, D.baseURI).href)).mount(c, b) }
"""


def canvas_addresses() -> dict[str, str]:
    """What the loader needs to know to find the canvas, as part of a component's data.

    Raises:
        FileNotFoundError: it has not been built.
    """
    return {"js": f"app/static/{canvas_script()}", "site": _site()}


def live_addresses() -> dict[str, str]:
    """The same for the parts that follow a run."""
    return {"js": f"{LIVE}?{_live()[1]}", "site": _site()}


@cache
def canvas_script() -> str:
    """The file name of the built canvas; its hash makes it safe to keep for ever.

    Raises:
        FileNotFoundError: it has not been built.
    """
    found = sorted(STATIC.glob("canvas-*.js"))
    if not found:
        raise FileNotFoundError(
            f"{STATIC} holds no canvas-*.js. Build it: cd studio/canvas/frontend; "
            "npm ci; npm run build"
        )
    return found[-1].name


def live_script() -> str:
    """The script of the parts that follow a run, with its style sheet inside."""
    return _live()[0]


@cache
def _live() -> tuple[str, str]:
    style, *scripts = (
        (ASSETS / name).read_text(encoding="utf-8") for name in ("live.css", "parts.js", "live.js")
    )
    text = "\n".join([f"const CSS = {json.dumps(style)};", *scripts])
    return text, hashlib.sha256(text.encode()).hexdigest()[:8]


def _site() -> str:
    import streamlit as st

    path = str(st.get_option("server.baseUrlPath") or "").strip("/")
    return f"/{path}/" if path else "/"


def component(name: str, html: str) -> Any:
    """Declare a component whose script the loader imports."""
    import streamlit as st

    return st.components.v2.component(name, html=html, js=LOADER)
