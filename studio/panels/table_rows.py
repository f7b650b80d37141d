"""A flow over a table, as it fills: how far it is, what failed, what it gave."""

from __future__ import annotations

import csv
import io
import json
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import streamlit as st

from patchbay.flows.batch.looking import SeenBatch
from patchbay.nodes.units import MEGABYTE, duration
from patchbay.studio.plain_text import plain
from patchbay.studio.runs.table_run import TableRun
from patchbay.studio.server.services import services
from patchbay.studio.views.figures import distinct, uniform

SHOWN = 200
"""Rows that failed, and rows that gave something, that are shown."""
CELL = 300
"""Letters of a cell that are shown."""
DOWNLOAD_LIMIT = 100 * MEGABYTE


def show_table_run(run_id: str, was_active: bool) -> None:
    """Draw what is known of one; a fragment that is redrawn while rows come."""
    run = services().tables.get(run_id)
    if run is None or run.active != was_active:
        st.rerun()
    seen = run.look(SHOWN)
    _progress(run, seen)
    if run.problem is not None:
        st.error(plain(f"{run.problem.message} {run.problem.fix}"))
    if not seen.count:
        st.caption("No row is done yet.")
        return
    _failed(run, seen)
    _given(run, seen)
    if not run.active:
        _downloads(run, seen)
        st.markdown("**The same without the studio**")
        st.code(command(run), language="bash", wrap_lines=True)


def _progress(run: TableRun, seen: SeenBatch) -> None:
    if run.active:
        words = run.words or "Begins"
        st.progress(min(1.0, run.share or 0.0), plain(words))
        return
    facts = [f"{seen.count:,} rows", duration(seen.seconds)]
    facts += [f"{seen.count / seen.seconds:,.0f} rows/s"] if seen.seconds and seen.count else []
    tokens = seen.prompt_tokens + seen.completion_tokens
    facts += [f"{tokens:,} tokens"] if tokens else []
    facts += [f"{seen.failed:,} failed"] if seen.failed else []
    st.caption(plain(" · ".join(facts)))


def _failed(run: TableRun, seen: SeenBatch) -> None:
    """The rows that failed, first: they are what a person can do something about."""
    if not seen.failed:
        return
    st.markdown(f"**Failed** {plain(_how_many(len(seen.failures), seen.failed, 'first'))}")
    rows = [
        {
            "row": one["row"] + 1, "node": one.get("node", ""), "what": one.get("message", ""),
            "fix": one.get("fix", ""), **_cells(one.get("cells") or {}),
        }
        for one in seen.failures
    ]  # fmt: skip
    _grid(rows, "table-failed", failed=True)


def _given(run: TableRun, seen: SeenBatch) -> None:
    if not seen.given:
        return
    which = "first" if seen.ended else "last"
    st.markdown(f"**Done** {plain(_how_many(len(seen.given), seen.rows, which))}")
    rows = [
        {**({} if number is None else {"row": number + 1}), **_cells(cells)}
        for number, cells in seen.given
    ]
    _grid(rows if seen.ended else rows[::-1], "table-given")


def _how_many(shown: int, total: int, which: str) -> str:
    return f"{total:,}" if shown >= total else f"the {which} {shown:,} of {total:,}"


def _cells(cells: dict[str, Any]) -> dict[str, Any]:
    """Short enough to be sent with every look at them."""
    return {name: _short(value) for name, value in cells.items()}


def _short(value: Any) -> Any:
    if isinstance(value, (dict, list)):
        value = json.dumps(value, ensure_ascii=False)
    if isinstance(value, str) and len(value) > CELL:
        return value[:CELL] + "…"
    return value


def _grid(rows: list[dict[str, Any]], key: str, failed: bool = False) -> None:
    import pandas as pd

    names = list(dict.fromkeys(name for row in rows for name in row))
    data = {
        shown: uniform([row.get(name) for row in rows])
        for name, shown in zip(names, distinct(names), strict=True)
    }
    widths = {"what": st.column_config.TextColumn("What was wrong", width="large")}
    more = {"fix": st.column_config.TextColumn("What helps", width="medium")}
    with st.container(key=key):
        st.dataframe(
            pd.DataFrame(data),
            hide_index=True,
            column_config={**widths, **more} if failed else None,
        )


# --- taking it along ------------------------------------------------------------------------------


def _downloads(run: TableRun, seen: SeenBatch) -> None:
    source = run.output if seen.ended else Path(f"{run.output}.batch") / "rows.jsonl"
    failures = (
        run.output.with_name(f"{run.output.stem}.failed.jsonl") if seen.ended
        else Path(f"{run.output}.batch") / "failed.jsonl"
    )  # fmt: skip
    stem = Path(run.order.rows).stem
    with st.container(horizontal=True, vertical_alignment="center"):
        if source.exists() and source.stat().st_size <= DOWNLOAD_LIMIT and seen.rows:
            for name, kind, made in (
                ("CSV", "csv", lambda: as_csv(source)),
                ("JSON Lines", "jsonl", source.read_bytes),
                ("Parquet", "parquet", lambda: _parquet(source)),
            ):
                st.download_button(
                    name, made, f"{stem}-done.{kind}", key=f"table-{kind}",
                    icon=":material/download:", on_click="ignore",
                )  # fmt: skip
        if failures.exists() and seen.failed:
            st.download_button(
                "Failed rows", failures.read_bytes, f"{stem}-failed.jsonl", key="table-failures",
                icon=":material/download:", on_click="ignore",
            )  # fmt: skip
        st.caption(f"They lie in {plain(str(source if source.exists() else run.folder))}")


def as_csv(source: Path) -> bytes:
    """Rows of JSON Lines as CSV in UTF-8, with the columns of all of them."""
    from patchbay.flows.batch.tables import write_csv

    text = io.StringIO(newline="")
    write_csv(lambda: _rows(source), csv.writer(text, lineterminator="\n"))
    return text.getvalue().encode("utf-8", "backslashreplace")


def _parquet(source: Path) -> bytes:
    from patchbay.flows.batch.tables import write_parquet

    held = io.BytesIO()
    write_parquet(lambda: _rows(source), held)
    return held.getvalue()


def _rows(source: Path) -> Iterator[dict[str, Any]]:
    with source.open(encoding="utf-8") as file:
        for line in file:
            if line.endswith("\n"):
                yield json.loads(line)


def command(run: TableRun) -> str:
    """What does the same in a terminal."""
    from patchbay.flows.batch.command_words import command_words
    from patchbay.studio.runs.table_run import settings_of

    order = run.order
    words = command_words(
        Path(order.path), settings_of(run), max_tokens=order.max_tokens,
        at_once=order.slots if order.slots != 8 else None, env=order.variables or None,
        on=order.where if order.where != "here" else None,
    )  # fmt: skip
    return shlex.join(["patchbay", "batch", *words, "-o", f"{Path(order.rows).stem}-done.csv"])
