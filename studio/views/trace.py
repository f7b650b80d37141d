"""What the agents of a node did: who, what, with which tool, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from patchbay.studio.plain_text import plain
from patchbay.studio.runs.steps import by_role
from patchbay.studio.views.live import trace


def show_trace(steps: Sequence[dict[str, Any]], key: str) -> None:
    """Draw the steps, and what each role spent. Nothing is drawn where there are none.

    Args:
        steps: as `patchbay.studio.runs.steps.step_of` tells them.
        key: unique on the page.
    """
    if not steps:
        return
    trace(steps, key)
    roles = by_role(steps)
    for who, did in roles.items():
        st.caption(f"**{plain(who)}** {plain(did)}" if who else plain(did))
