"""The studio: `streamlit run studio/app.py`, or `patchbay studio`."""

import runpy
import sys
from pathlib import Path

# Streamlit puts this file's folder on the path, which would offer our modules under second names.
_HERE = Path(__file__).resolve().parent
sys.path[:] = [p for p in sys.path if Path(p or ".").resolve() != _HERE]
runpy.run_path(str(_HERE.parent / "nodes" / "checkout.py"))["lead"]()

import streamlit as st  # noqa: E402
from starlette.middleware import Middleware  # noqa: E402

from patchbay.flows.blackout import black_out_process  # noqa: E402
from patchbay.nodes.threads import take_short_turns  # noqa: E402
from patchbay.studio.chat import routes as chat  # noqa: E402
from patchbay.studio.inspector import routes as inspector  # noqa: E402
from patchbay.studio.inspector import run_routes  # noqa: E402
from patchbay.studio.server import receiving  # noqa: E402
from patchbay.studio.server.access import Guard  # noqa: E402
from patchbay.studio.server.cookie import BrowserCookie  # noqa: E402
from patchbay.studio.server.gone_parts import refuse_gone_parts  # noqa: E402
from patchbay.studio.server.page import pages  # noqa: E402
from patchbay.studio.server.routes import routes  # noqa: E402
from patchbay.studio.server.welcome import key, welcome  # noqa: E402

black_out_process()
take_short_turns()
refuse_gone_parts()
_base = st.get_option("server.baseUrlPath") or ""

app = st.App(
    _HERE / "main.py",
    routes=[
        *pages(_base),
        *routes(_base),
        *inspector.routes(_base),
        *chat.routes(_base),
        *run_routes.routes(_base),
        *receiving.routes(_base),
    ],
    lifespan=welcome,
    middleware=[
        Middleware(Guard, key(), _base, st.get_option("server.corsAllowedOrigins")),
        Middleware(BrowserCookie),
    ],
)
