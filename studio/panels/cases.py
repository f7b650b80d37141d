"""The cases of an experiment: a set by its name, made of a file, a table, past runs and chats."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

import streamlit as st

from patchbay.flows.document.model import Flow
from patchbay.flows.experiments.case_sets import add_rows, case_sets, rows_of, save_rows
from patchbay.flows.experiments.cases import rows_in
from patchbay.flows.experiments.gathering import Right, rows_of_runs
from patchbay.flows.problems import FlowError
from patchbay.flows.wording import plural
from patchbay.studio.plain_text import plain
from patchbay.studio.server import session
from patchbay.studio.server.questions import asked
from patchbay.studio.server.services import services

EDITED = 500
"""Cases that are edited in a table; larger sets are only shown."""


def cases_editor(flow: Flow, file: Path | None, chosen: str, key: str) -> str:
    """Draw which set is used and how to make one; gives the name of the set, or ""."""
    names = [one.name for one in case_sets()]
    wanted = session.recall(f"{key}:chosen", chosen)
    options = names if not wanted or wanted in names else [*names, wanted]
    turn = session.widget_key(f"{key}:set", [wanted, options])
    name = st.selectbox(
        "Set of cases", options, options.index(wanted) if wanted in options else None, key=turn,
        placeholder="No set yet: make one below", on_change=lambda: session.remember(
            f"{key}:chosen", st.session_state[turn]),
    )  # fmt: skip
    ways = st.tabs(["Table", "File", "Runs and chats"])
    with ways[0]:
        _table(flow, name or "", key)
    with ways[1]:
        _file(key)
    with ways[2]:
        _runs(flow, file, name or "", key)
    for problem in session.recall(f"{key}:refused", ()):
        st.error(plain(problem.in_words()))
    return name or ""


def _keep(key: str, name: str, rows: list[dict[str, Any]], *, add: bool = False) -> None:
    session.forget(f"{key}:refused")
    try:
        if add:
            count = add_rows(name, rows)
            session.remember(f"{key}:told", f"{plural(count, 'new case')} in {name}.")
        else:
            save_rows(name, rows)
            session.remember(f"{key}:told", f"{plural(len(rows), 'case')} in {name}.")
    except FlowError as error:
        session.remember(f"{key}:refused", error.problems)
        return
    session.remember(f"{key}:chosen", name)
    session.remember(f"{key}:turn", session.recall(f"{key}:turn", 0) + 1)


def _told(key: str) -> None:
    if told := session.recall(f"{key}:told"):
        st.caption(plain(told))


def _table(flow: Flow, name: str, key: str) -> None:
    """The set as a table to type in; a new one where there is none."""
    columns = [field.name for field in asked(flow).inputs]
    try:
        rows = rows_of(name) if name else []
    except FlowError as error:
        st.error(plain(str(error)))
        return
    if len(rows) > EDITED:
        st.caption(f"{plural(len(rows), 'case')}; the first {EDITED} are shown.")
    turn = session.recall(f"{key}:turn", 0)
    frame = frame_of(columns, rows[:EDITED])
    edited = st.data_editor(
        frame, num_rows="fixed" if len(rows) > EDITED else "dynamic", hide_index=True,
        key=f"{key}:table:{name}:{turn}", height=220, disabled=len(rows) > EDITED,
        column_config={c: st.column_config.TextColumn(c) for c in frame.columns},
    )  # fmt: skip
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        called = st.text_input("Save as", name or f"{flow.name}", key=f"{key}:as:{name}")
        st.button(
            "Save", key=f"{key}:save", icon=":material/save:", disabled=len(rows) > EDITED,
            on_click=lambda: _keep(key, called.strip(), typed_rows(edited, rows)),
        )  # fmt: skip
    _told(key)


def frame_of(inputs: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> Any:
    """Rows as texts in a table, with all columns that one of them has."""
    # Imported here: the first page must not wait for it.
    import pandas as pd

    columns = list(dict.fromkeys([*inputs, "expected", *(c for row in rows for c in row)]))
    shown = {column: [_cell(row.get(column)) for row in rows] for column in columns}
    return pd.DataFrame(shown, columns=columns, dtype="object")


def _cell(value: Any) -> str:
    import json

    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def typed_rows(frame: Any, held: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The rows of a table that was typed in. A cell that stands as it did is the value that it was:
    messages, objects and numbers are shown as text."""
    known = {
        (name, _cell(value)): value
        for row in held
        for name, value in row.items()
        if value is not None and not isinstance(value, str)
    }
    rows = []
    for record in frame.fillna("").to_dict("records"):
        row = {name: str(value) for name, value in record.items()}
        if any(value.strip() for value in row.values()):
            rows.append({n: known.get((n, v), v) for n, v in row.items() if v or n == "expected"})
    return rows


def _file(key: str) -> None:
    """A table from a file, which becomes a set of its name."""
    given = st.file_uploader(
        "CSV with a header, a JSON list, or JSON Lines", type=["csv", "json", "jsonl"],
        key=f"{key}:file",
    )  # fmt: skip
    if given is None:
        return
    try:
        rows = rows_in(given.getvalue().decode("utf-8-sig"), given.name)
    except UnicodeDecodeError:
        st.error(f"{plain(given.name)} is not UTF-8 text. Save it as UTF-8.")
        return
    except FlowError as error:
        st.error(plain(str(error)))
        return
    name = given.name.rpartition(".")[0] or given.name
    st.caption(f"{plural(len(rows), 'case')} with the columns "
               + plain(", ".join(dict.fromkeys(c for row in rows for c in row))))  # fmt: skip
    st.button("Use it", key=f"{key}:use-file", icon=":material/check:",
              on_click=_keep, args=(key, name, rows))  # fmt: skip


def _runs(flow: Flow, file: Path | None, name: str, key: str) -> None:
    """Cases from what this flow was asked before."""
    outputs = list(asked(flow).outputs)
    if not outputs:
        st.caption("The flow has no output yet.")
        return
    words = {"thumbs up": "where a person has put a thumb up", "always": "always",
             "never": "never: I fill it in"}  # fmt: skip
    right = st.selectbox(
        "What came out is what should", list(get_args(Right)), key=f"{key}:right",
        format_func=lambda one: words[one],
    )  # fmt: skip
    rated = st.toggle("Only runs with a thumb or a comment", key=f"{key}:rated")
    inputs = [field.name for field in asked(flow).inputs]
    owners, me = services().runner.owners(), session.browser()
    rows = rows_of_runs(
        services().history, flow.name, inputs, outputs[0], right or "never", rated=bool(rated),
        file=file, among=lambda run: owners.get(run, me) == me,
    )  # fmt: skip
    if not rows:
        st.caption("No such run of this flow is recorded. Run it, or chat with it, first.")
        return
    wanted = name or flow.name
    st.caption(f"{plural(len(rows), 'question')} that were asked, in runs and chats; "
               f"{sum(bool(row['expected']) for row in rows)} with an answer.")  # fmt: skip
    st.button(f"Add to {plain(wanted)}", key=f"{key}:use-runs", icon=":material/playlist_add:",
              on_click=lambda: _keep(key, wanted, rows, add=True))  # fmt: skip
