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


def loader(name: Script) -> str:
    """The script of a component: it imports one of ours and mounts it.

    Streamlit sends this with every change of a component's data, so it is short. Streamlit's own
    scripts tell where the app lies, even when a proxy put it below an address that the server does
    not know; ours know it from their own address.

    Raises:
        FileNotFoundError: the script has not been built.
    """
    return f"""export default async c=>(await import(new URL("../../app/static/{script_file(name)}",
document.querySelector("script[src*='static/js/']")?.src||location.origin+"{_site()}static/js/"))).mount(c)"""


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


def component(name: str, script: Script, html: str) -> Callable[..., Any]:
    """Declare a component that a script of ours mounts. Its `data` is a dict that JSON can hold.

    Streamlit looks for data frames among the values of a dict, and imports pandas and pyarrow to do
    so: a second of processor time before the first page is there. In a tuple it looks for none.
    """
    import streamlit as st

    declared = st.components.v2.component(name, html=html, js=loader(script))

    def mounted(*, data: Mapping[str, Any], **options: Any) -> Any:
        return declared(data=(data,), **options)

    return mounted


@cache
def live_component() -> Callable[..., Any]:
    """The component of the parts that follow a run, and of cards."""
    return component("patchbay.live", "live", "<div class='root'></div>")
