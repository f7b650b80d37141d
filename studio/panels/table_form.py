"""Drop a table, say which column goes into which input, and run a flow over it."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from patchbay.flows.batch.clusters import HERE, named_clusters
from patchbay.flows.batch.rows import open_rows
from patchbay.flows.checks.resolve import resolve_once
from patchbay.flows.document.writing import canonical_text
from patchbay.flows.problems import FlowError, Problem
from patchbay.flows.runs.inputs import flow_inputs, flow_outputs
from patchbay.nodes.contract import InputField
from patchbay.studio.documents.document import FlowDocument
from patchbay.studio.plain_text import plain
from patchbay.studio.runs.table_run import TableOrder
from patchbay.studio.server import session
from patchbay.studio.server.environments import USUAL, chosen_environment, flow_to_run
from patchbay.studio.server.services import services

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile

TYPES = ["csv", "tsv", "jsonl", "ndjson", "parquet", "xlsx"]
LIMIT_MB = 200
"""Megabytes of a table that is dropped; larger ones are for `patchbay batch`."""
SAMPLE = 50
"""Rows that are looked at for the names of columns."""
SHOWN = 5
TAKEN = "table-taken"
"""The table that was dropped last, with the id of its upload."""
ONE_VALUE, ITS_OWN = "One value for all rows", "Its own value"


@dataclass(frozen=True)
class _Table:
    """A table that was dropped: its columns, and its first rows."""

    name: str
    path: Path
    columns: tuple[str, ...]
    first: tuple[dict[str, Any], ...]


def table_form(document: FlowDocument, begun: Callable[[str], None]) -> None:
    """Draw the form. `begun` is called with the id of what was begun; for callbacks."""
    flow = flow_to_run(document)
    resolved = resolve_once(flow, services().catalog)
    fields = [field for _, field in flow_inputs(resolved)]
    outputs = list(flow_outputs(resolved))
    if not outputs:
        st.warning("The flow gives nothing. Add a *Flow output* in the editor first.")
        return
    given = st.file_uploader(
        "Drop a table here: CSV, JSON Lines, Parquet or Excel", type=TYPES, key="table-dropped",
        max_upload_size=LIMIT_MB,
        help="Rows of larger files, databases and folders: `patchbay batch` in a terminal.",
    )  # fmt: skip
    if given is None:
        said = ", ".join(field.name for field in fields) or "none"
        st.caption(f"Inputs of the flow: {plain(said)}. It gives: {plain(', '.join(outputs))}.")
        return
    try:
        table = _taken(given)
    except (FlowError, OSError) as error:
        for problem in getattr(error, "problems", (str(error),)):
            st.error(plain(_words(problem)))
        return
    st.caption(f"The first rows of {plain(table.name)}")
    st.dataframe([*table.first][:SHOWN], hide_index=True, key=f"table-first:{table.path.stem}")
    _ask(document, canonical_text(flow), table, fields, outputs, begun)


def _taken(given: UploadedFile) -> _Table:
    """The table that was dropped. It is read when it is new: it may be large, and each field that
    is changed draws the form again."""
    known: tuple[str, _Table] | None = session.recall(TAKEN)
    if known is None or known[0] != given.file_id or not known[1].path.exists():
        path = services().tables.take(given.name, given.getvalue())
        known = (given.file_id, _read(given.name, path))
        session.remember(TAKEN, known)
    return known[1]


def _words(problem: Problem | str) -> str:
    return problem if isinstance(problem, str) else f"{problem.message} {problem.fix}"


def _read(name: str, path: Path) -> _Table:
    rows = open_rows(str(path))
    try:
        first = [cells for _, cells in islice(rows.each, SAMPLE) if not isinstance(cells, Problem)]
    finally:
        rows.close()
    columns = rows.columns or tuple(dict.fromkeys(column for row in first for column in row))
    if not columns or not first:
        raise FlowError([Problem("batch/no-rows", f"{name} holds no rows.", "Drop another one.")])
    return _Table(name, path, columns, tuple(first))


def guess(fields: list[InputField], columns: tuple[str, ...]) -> dict[str, str]:
    """Which column an input most likely means: by its name, else the only one that is left."""
    found: dict[str, str] = {}
    folded = {column.casefold(): column for column in reversed(columns)}
    for field in fields:
        name = field.name.casefold()
        near = get_close_matches(name, folded, 1, 0.8)
        if name in folded:
            found[field.name] = folded[name]
        elif near:
            found[field.name] = folded[near[0]]
    free = [column for column in columns if column not in found.values()]
    asked = [field.name for field in fields if field.required and field.name not in found]
    if len(asked) == 1 and len(free) == 1:
        found[asked[0]] = free[0]
    return found


# --- what is asked for ----------------------------------------------------------------------------


def _ask(
    document: FlowDocument, flow: str, table: _Table, fields: list[InputField],
    outputs: list[str], begun: Callable[[str], None],
) -> None:  # fmt: skip
    key = f"table:{document.id}:{table.path.stem}"
    columns: dict[str, str] = {}
    shared: dict[str, Any] = {}
    missing: list[str] = []
    guessed = guess(fields, table.columns)
    st.markdown("**Inputs**")
    for place, field in enumerate(fields):
        _input(field, table, guessed.get(field.name), f"{key}:{place}", columns, shared, missing)
    if not fields:
        st.caption("The flow asks for nothing: each row gives the same.")
    clash = [column for column in table.columns if column in outputs]
    kept = st.multiselect(
        "Columns to keep beside what the flow gives", table.columns,
        [column for column in table.columns if column not in clash], key=f"{key}:keep",
    )  # fmt: skip
    where = _place(key)
    slots, retries, limit_s, max_tokens = _limits(key)
    order = TableOrder(
        document.flow.name, flow, str(document.path), table.name, columns, shared,
        None if len(kept) == len(table.columns) else tuple(kept), slots, retries, limit_s,
        max_tokens, where, _variables(document), session.browser(),
    )  # fmt: skip
    if missing:
        st.caption(f"Choose a column for {plain(', '.join(missing))}.")
    st.button(
        "Run over the table", type="primary", icon=":material/play_arrow:", key="table-run",
        disabled=bool(missing), on_click=_begin, args=(document, order, table.path, begun),
    )  # fmt: skip
    for problem in session.recall("table-problems", ()):
        st.error(plain(_words(problem)))
    session.forget("table-problems")


def _input(
    field: InputField, table: _Table, guessed: str | None, key: str,
    columns: dict[str, str], shared: dict[str, Any], missing: list[str],
) -> None:  # fmt: skip
    others = [ONE_VALUE] if field.required else [ITS_OWN, ONE_VALUE]
    options = [*table.columns, *others]
    usual = guessed if guessed is not None else None if field.required else ITS_OWN
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.selectbox(
            plain(field.name), range(len(options)),
            index=None if usual is None else options.index(usual),
            format_func=lambda place: options[place], key=f"{key}:column", width=320,
            placeholder="Choose a column", help=plain(field.description) or None,
        )  # fmt: skip
        if chosen is None:
            missing.append(field.name)
        elif chosen < len(table.columns):
            columns[field.name] = options[chosen]
        elif options[chosen] == ONE_VALUE:
            shared[field.name] = st.text_input(
                f"The value of {plain(field.name)}", key=f"{key}:value", width="stretch"
            )


def _place(key: str) -> str:
    """Where the rows run: here, on Ray, or on a cluster that the settings name."""
    try:
        clusters = named_clusters()
    except FlowError as error:
        st.warning(plain(_words(error.problems[0])))
        clusters = {}
    names = {HERE: "In this studio"}
    if importlib.util.find_spec("ray") is not None:
        names["ray"] = "On a Ray of this machine: a process for each core"
    for name, cluster in clusters.items():
        names[name] = f"{name} ({'Slurm' if cluster.is_slurm else cluster.on})"
    if len(names) == 1:
        return HERE
    return st.selectbox(
        "Where", list(names), format_func=lambda name: names[name], key=f"{key}:where", width=420,
        help="Clusters are named in settings.toml: [clusters.lab] with on = …",
    )  # fmt: skip


def _limits(key: str) -> tuple[int, int, float | None, int | None]:
    """Rows at once, further tries, seconds of a try, tokens in all."""
    with st.expander("How"):
        left, middle, right, last = st.columns(4)
        slots = left.number_input("Rows at work at once", 1, 256, 8, key=f"{key}:slots")
        retries = middle.number_input(
            "Further tries of a row that failed", 0, 20, 0, key=f"{key}:retries"
        )
        limit = right.number_input(
            "Seconds that a try may take", 0.0, None, 0.0, key=f"{key}:limit",
            help="0: as long as it takes.",
        )  # fmt: skip
        tokens = last.number_input(
            "Stop after so many tokens", 0, None, 0, key=f"{key}:tokens", help="0: no bound."
        )
    return int(slots), int(retries), float(limit) or None, int(tokens) or None


def _variables(document: FlowDocument) -> str:
    chosen = chosen_environment(document)
    return "" if chosen == USUAL or not document.flow.variables else chosen


def _begin(
    document: FlowDocument, order: TableOrder, table: Path, begun: Callable[[str], None]
) -> None:
    session.forget("table-problems")
    try:
        document.save()  # flows that run this one, and jobs elsewhere, read its file
        begun(services().tables.begin(order, table).id)
    except FlowError as error:
        session.remember("table-problems", error.problems[:8])
    except OSError as error:
        session.remember("table-problems", (f"It cannot be kept: {error}",))
