"""How the browser gets our scripts: a few words of loader, which import them from this server.

Both scripts, the canvas and the parts of a page that follow a run, are built into `static` from
`canvas/frontend`. Streamlit would send an inline script again with every change of a component's
data.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal

STATIC = Path(__file__).parents[1] / "static"
Script = Literal["canvas", "live"]
"""The canvas; and what follows a run beside it."""

# Streamlit sends this with every change of a component's data, so it is short. Streamlit's own
# scripts tell where the app lies, even when a proxy put it below an address that the server does
# not know.
LOADER = """
export default async c => { let d = c.data[0], D = document
const b = ([...D.scripts].map(s => s.src.split("static/js/")).find(p => p[1]) || [d.site])[0]
return (await import(new URL(b + d.js, D.baseURI).href)).mount({...c, data: d}, b) }
"""


def addresses(name: Script) -> dict[str, str]:
    """What the loader needs to know to find a script, as part of a component's data.

    Raises:
        FileNotFoundError: it has not been built.
    """
    return {"js": f"app/static/{script_file(name)}", "site": _site()}


@cache
def script_file(name: Script) -> str:
    """The file name of a built script; its hash makes it safe to keep for ever.

    Raises:
        FileNotFoundError: it has not been built.
    """
    found = sorted(STATIC.glob(f"{name}-*.js"))
    if not found:
        raise FileNotFoundError(
            f"{STATIC} holds no {name}-*.js. Build it: cd studio/canvas/frontend; "
            "npm ci; npm run build"
        )
    return found[-1].name


def _site() -> str:
    import streamlit as st

    path = str(st.get_option("server.baseUrlPath") or "").strip("/")
    return f"/{path}/" if path else "/"


def component(name: str, html: str) -> Callable[..., Any]:
    """Declare a component whose script the loader imports. Its `data` is a dict that JSON can hold.

    Streamlit looks for data frames among the values of a dict, and imports pandas and pyarrow to do
    so: a second of processor time before the first page is there. In a tuple it looks for none.
    """
    import streamlit as st

    declared = st.components.v2.component(name, html=html, js=LOADER)

    def mounted(*, data: Mapping[str, Any], **options: Any) -> Any:
        return declared(data=(data,), **options)

    return mounted


@cache
def live_component() -> Callable[..., Any]:
    """The component of the parts that follow a run, and of cards."""
    return component("patchbay.live", "<div class='root'></div>")
