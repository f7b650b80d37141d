"""The page that a browser gets first: Streamlit's, with our style and word of what it will need.

Streamlit's own page names the scripts of its frame. What it draws with, it asks for when the first
elements come, one round after the other, while the server is busy with the script. Here all of it
is named in the page, so that it comes with the rest. Style and icon are part of the page too: as
elements they would be sent with every rerun, and Streamlit imports numpy to send an icon.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from patchbay.studio.server.base_path import prefix_of
from patchbay.studio.server.frontend import Script, script_file

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

ASSETS = Path(__file__).parents[1] / "assets"
FIRST = "flows"
"""What the bare address shows."""
DRAWN_WITH: dict[str, tuple[Script, ...]] = {
    "flows": ("live",),
    "editor": ("canvas", "live"),
    "runs": (),
    "tables": (),
    "experiments": (),
    "inbox": (),
    "models": (),
    "settings": (),
}
"""The pages, and which of our scripts they begin with."""
ELEMENTS = ("BidiComponent",)
"""Streamlit's scripts that the Flows page begins with; what comes after the cards may wait."""
_IMPORTS = re.compile(r"""\b(?:from|import)\s*["'`]\./([\w.-]+\.js)["'`]""")


def pages(base: str = "") -> list[BaseRoute]:
    """The routes of the pages and their icon, below the app's base path."""
    from starlette.responses import FileResponse, HTMLResponse
    from starlette.routing import Route

    prefix = prefix_of(base)

    async def page(request: Request) -> Response:
        name = request.url.path.rpartition("/")[2]
        return HTMLResponse(page_text(name), headers={"Cache-Control": "no-cache"})

    async def icon(request: Request) -> Response:
        return FileResponse(ASSETS / "icon.png", headers={"Cache-Control": "no-cache"})

    shown = [Route(f"{prefix}/{name}", page, methods=["GET"]) for name in ("", *DRAWN_WITH)]
    if prefix:
        shown.append(Route(prefix, page, methods=["GET"]))
    return [*shown, Route(f"{prefix}/favicon.png", icon, methods=["GET"])]


@cache
def page_text(name: str) -> str:
    """Streamlit's page with what ours adds, for the page of this name (any other: the first)."""
    from streamlit import file_util

    folder = Path(file_util.get_static_dir())
    text = (folder / "index.html").read_text("utf-8")
    name = name if name in DRAWN_WITH else FIRST
    soon = [f"./static/js/{file}" for file in scripts_of(folder / "static" / "js", ELEMENTS)]
    soon = [address for address in soon if address not in text] if name == FIRST else []
    soon += [f"./app/static/{script_file(script)}" for script in DRAWN_WITH[name]]
    links = "".join(f'<link rel="modulepreload" crossorigin href="{it}">\n' for it in soon)
    count = f"<script>\n{(ASSETS / 'open_questions.js').read_text('utf-8')}</script>\n"
    style = f"<style>\n{(ASSETS / 'studio.css').read_text('utf-8')}</style>\n"
    text = text.replace("<title>Streamlit</title>", "<title>Patchbay</title>", 1)
    # The style goes last: Streamlit's own rules, which are put into the head, weigh as much.
    end = f"{style}{count}</body>"
    return text.replace("</head>", f"{links}</head>", 1).replace("</body>", end, 1)


def scripts_of(folder: Path, names: Iterable[str]) -> list[str]:
    """Files of Streamlit's scripts of these names, and of all that these import.

    Their file names hold a hash; one that another version of Streamlit has no more is left out, and
    nothing is lost but time.
    """
    found: dict[str, None] = {}
    waiting = [path.name for name in names for path in sorted(folder.glob(f"{name}.*.js"))]
    while waiting:
        file = waiting.pop(0)
        if file not in found and (folder / file).is_file():
            found[file] = None
            waiting.extend(_imported(folder / file))
    return list(found)


def _imported(path: Path) -> Iterator[str]:
    if path.stat().st_size > 400_000:  # the frame itself, which the page names anyway
        return
    for match in _IMPORTS.finditer(path.read_text("utf-8")):
        yield match[1]
