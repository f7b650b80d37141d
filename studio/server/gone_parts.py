"""Requests for parts of a page that is gone when their turn comes.

What a browser sends for a part of a page before it hears of another page waits until that one has
been drawn. Streamlit (1.67) then begins a run for it on the page that was left, and says so to the
browser, which clears the new page; only then it finds that there is no such part. It refuses such
requests when they arrive after the new page: here they are refused when they came before it, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from streamlit.runtime.scriptrunner_utils.script_requests import RerunData


def refuse_gone_parts() -> None:
    """Have Streamlit do so, in this process."""
    from streamlit.runtime.scriptrunner.script_runner import ScriptRunner

    run = ScriptRunner._run_script

    def run_what_is_there(self: ScriptRunner, rerun_data: RerunData) -> None:
        parts = rerun_data.fragment_id_queue
        has_drawn = self._get_script_run_ctx().page_script_hash
        if parts and has_drawn and not any(map(self._fragment_storage.contains, parts)):
            return
        run(self, rerun_data)

    ScriptRunner._run_script = run_what_is_there  # type: ignore[method-assign]
