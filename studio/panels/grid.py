"""The grid of an experiment: a row for each variant; cells lead to cases, cases to runs."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import streamlit as st

from patchbay.flows.experiments.cases import FlowCase
from patchbay.flows.experiments.checking import OutputCheck
from patchbay.flows.experiments.keeping import ExperimentCell, KeptCase, KeptCells
from patchbay.flows.runs.prices import amount_text
from patchbay.flows.wording import plural
from patchbay.nodes.units import duration, size_in_words
from patchbay.nodes.values import as_text
from patchbay.studio.plain_text import plain
from patchbay.studio.server import session
from patchbay.studio.server.wished_page import go

ROWS = 50
"""Variants that are shown at a time, the best first where there are more."""
PAGE = 20
"""Cases that are shown at a time."""
BATCH = 400
"""Cases that are read at a time where some of them are looked for."""
SHARE = 0.1
"""How much of the time may go into looking for cases anew while cells end."""
ShownCases = Literal["all", "other than the first", "wrong"]


def show_grid(summary: Mapping[str, Any], key: str, use: Callable[[str], None] | None) -> None:
    """Draw the grid.

    Args:
        summary: as `patchbay.flows.experiments.grid.as_summary` makes it.
        key: unique on the page.
        use: takes the key of the variant that is written into the flow; None where it cannot be.
    """
    checks, rows = list(summary["checks"]), list(summary["rows"])
    by = checks[0]
    if len(checks) > 1:
        by = st.segmented_control("Compare by", checks, default=by, key=f"{key}:by",
                                  format_func=plain, required=True) or by  # fmt: skip
    main = [row for row in rows if row["check"] == by]
    scores = {(row["key"], row["check"]): row for row in rows}
    best = _best(main)
    shown = main
    if len(main) > ROWS:
        shown = [main[0], *sorted(main[1:], key=lambda row: -_mean(row))[: ROWS - 1]]
        st.caption(f"The first and the {ROWS - 1} best of {plural(len(main), 'variant')}.")
    widths = [2.6, *([1.15] * len(checks)), 1.5, 1.2, 0.9, 0.9]
    with st.container(key=f"{key}:grid", gap="xsmall"):
        for column, name in zip(
            st.columns(widths), ["variant", *checks, "from the first", "differ", "time", "tokens"],
            strict=True,
        ):  # fmt: skip
            column.caption(plain(name))
        for row in shown:
            _variant(row, scores, checks, widths, key, row is best)
    if use is not None and best is not None and best["key"] != rows[0]["key"]:
        st.button(
            "Use the best", icon=":material/check:", type="primary", key=f"{key}:best",
            on_click=use, args=(best["key"],),
            help=f"Writes {plain(best['variant'])} into the flow; Undo there takes it back.",
        )  # fmt: skip


def _best(rows: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    known = [row for row in rows if row["interval"]]
    return max(known, key=_mean, default=None) if len(rows) > 1 else None


def _mean(row: Mapping[str, Any]) -> float:
    return float(row["interval"]["mean"]) if row["interval"] else -1.0


def _variant(
    row: Mapping[str, Any],
    scores: Mapping[tuple[str, str], Mapping[str, Any]],
    checks: Sequence[str],
    widths: Sequence[float],
    key: str,
    best: bool,
) -> None:
    name, *cells = st.columns(widths, vertical_alignment="center")
    mark = " :green-badge[best]" if best else ""
    name.markdown(f"**{plain(row['variant'])}**{mark}")
    for column, check in zip(cells, checks, strict=False):
        one = scores[row["key"], check]
        known = one["interval"]
        label = "–" if not known else f"{known['mean']:.3f}"
        column.button(
            label, key=f"{key}:cell:{row['key']}:{check}", on_click=_open,
            args=(key, row["key"], check), width="stretch",
            help=f"Show the cases of {plain(row['variant'])} under {plain(check)}",
        )  # fmt: skip
        if known:
            column.caption(f"{known['low']:.2f} … {known['high']:.2f}")
    _facts(row, cells[len(checks) :])


def _facts(row: Mapping[str, Any], cells: Sequence[Any]) -> None:
    apart = row["difference"]
    if apart is None:
        cells[0].markdown(":gray[compared with]")
        cells[1].markdown(f":gray[{row['ran']:,} cases]")
    else:
        known = apart["interval"]
        tint = "gray"
        if apart["settled"]:
            tint = "green" if known["mean"] > 0 else "red"
        reach = f"{known['low']:+.2f} … {known['high']:+.2f}"
        cells[0].markdown(f":{tint}[{known['mean']:+.3f}]  \n:gray[{plain(reach)}]")
        counts = f"{apart['better']} ↑ {apart['worse']} ↓"
        cells[1].markdown(f"{counts}  \n:gray[of {apart['cases']:,}]")
    failed = f" · :red[{row['failed']} failed]" if row["failed"] else ""
    cells[2].markdown(f"{duration(row['seconds'])}{failed}")
    cells[3].markdown(f"{row['tokens']:,.0f}")
    if row["cost"]:
        cells[3].caption(plain(" + ".join(f"{amount_text(n)} {c}" for c, n in row["cost"].items())))
    if row["memory"]:
        cells[2].caption(size_in_words(row["memory"]))


def _open(key: str, variant: str, check: str) -> None:
    session.remember(f"{key}:opened", (variant, check))
    session.remember(f"{key}:pages", [1])


# --- the cases of a cell --------------------------------------------------------------------------


def show_cases(
    summary: Mapping[str, Any], checks: Sequence[OutputCheck], kept: KeptCells, key: str
) -> None:
    """The cases of the cell that was clicked, some at a time."""
    opened = session.recall(f"{key}:opened")
    names = {one["key"]: one["name"] for one in summary["variants"]}
    if opened is None or opened[0] not in names:
        st.caption("Click a score for its cases.")
        return
    variant, check_name = opened
    check = next((one for one in checks if one.name == check_name), None)
    first = summary["variants"][0]["key"]
    st.markdown(f"**{plain(names[variant])}**, {plain(check_name)}")
    wanted: ShownCases = st.segmented_control(
        "Cases", ["all", "other than the first", "wrong"], default="all", required=True,
        key=f"{key}:wanted:{variant}:{check_name}", label_visibility="collapsed",
        on_change=lambda: session.remember(f"{key}:pages", [1]),
    )  # fmt: skip
    pages: list[int] = session.once(f"{key}:pages", lambda: [1])
    at = PageOfCases((first, variant), check.key if check else "", wanted, pages[-1])
    seen: SeenCases = session.once(f"{key}:seen", SeenCases)
    found, more = seen.page(at, kept, lambda: _found(kept, check, at))
    if not found:
        st.caption("There is none.")
    for case in found:
        _case(case, check, key, alone=variant == first)
    with st.container(horizontal=True, gap="small"):
        st.button("Earlier cases", key=f"{key}:earlier", icon=":material/chevron_left:",
                  disabled=len(pages) < 2, on_click=_turn, args=(pages, None))  # fmt: skip
        st.button("Later cases", key=f"{key}:later", icon=":material/chevron_right:",
                  disabled=more is None, on_click=_turn, args=(pages, more))  # fmt: skip


@dataclass(frozen=True, slots=True)
class PageOfCases:
    """Which cases are shown: of the first variant and another, under a check, from a number on."""

    variants: tuple[str, str]
    check: str
    wanted: ShownCases
    start: int


FoundCases = tuple[list[KeptCase], int | None]


class SeenCases:
    """The cases that were shown last. Those that are wrong may be looked for among all, and the
    page is drawn anew each second while cells end: that takes at most `SHARE` of the time."""

    def __init__(self) -> None:
        self._at: PageOfCases | None = None
        self._stamp: tuple[int, int] | None = None
        self._found: FoundCases = [], None
        self._looked = self._took = 0.0

    def page(self, at: PageOfCases, kept: KeptCells, look: Callable[[], FoundCases]) -> FoundCases:
        """Those cases: as they were where no cell has ended since, or it is too early to look."""
        stamp, now = kept.stamp, time.monotonic()
        early = now - self._looked < self._took / SHARE
        if at != self._at or (stamp != self._stamp and not early):
            self._found = look()
            self._at, self._stamp, self._looked = at, stamp, time.monotonic()
            self._took = self._looked - now
        return self._found


def _turn(pages: list[int], to: int | None) -> None:
    """To the page that begins at a case; None: back to the one before."""
    if to is not None:
        pages.append(to)
    elif len(pages) > 1:
        pages.pop()


def _found(kept: KeptCells, check: OutputCheck | None, at: PageOfCases) -> FoundCases:
    """A page of cases, and the number that the next one begins at."""
    found: list[KeptCase] = []
    batch, start = PAGE + 1 if at.wanted == "all" else BATCH, at.start
    while True:
        read = kept.page(at.variants, start, batch)
        for case in read:
            if _is_wanted(case, check, at.wanted):
                if len(found) == PAGE:
                    return found, case.number
                found.append(case)
        if len(read) < batch:
            return found, None
        start = read[-1].number + 1


def _is_wanted(case: KeptCase, check: OutputCheck | None, wanted: ShownCases) -> bool:
    first, own = (score_of(cell, case, check) for cell in case.cells)
    match wanted:
        case "other than the first":
            return first != own
        case "wrong":
            return own is not None and own < 1
        case _:
            return True


def score_of(
    cell: ExperimentCell | None, case: KeptCase, check: OutputCheck | None
) -> float | None:
    """What a check says of a cell of a case; None where nobody can say."""
    if cell is None or check is None:
        return None
    return check.of(cell, FlowCase(case.number, case.inputs, case.expected))


def _case(case: KeptCase, check: OutputCheck | None, key: str, *, alone: bool) -> None:
    first, own = case.cells
    with st.container(border=True, key=f"{key}:case:{case.number}", gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            asked = " · ".join(as_text(value) for value in case.inputs.values())
            st.markdown(f":gray[{case.number}] {plain(_short(asked))}", width="stretch")
            if own is not None and own.run:
                st.button("Its run", key=f"{key}:run:{case.number}", type="tertiary",
                          icon=":material/open_in_new:", on_click=go, args=("runs",),
                          kwargs={"run": own.run})  # fmt: skip
        if case.expected is not None:
            st.caption(f"should be: {plain(_short(as_text(case.expected)))}")
        if not alone:
            _answer("the first", first, score_of(first, case, check))
        _answer("this one", own, score_of(own, case, check))


def _answer(who: str, cell: ExperimentCell | None, score: float | None) -> None:
    if cell is None:
        st.markdown(f":gray[{who}: not run yet]")
        return
    tint = "gray" if score is None else "green" if score >= 1 else "red" if score <= 0 else "orange"
    mark = "–" if score is None else f"{score:.2g}"
    said = f"failed: {cell.error}" if cell.error else as_text(cell.output)
    st.markdown(f":{tint}-badge[{mark}] :gray[{who}] {plain(_short(said))}")


def _short(text: str) -> str:
    return text if len(text) <= 400 else f"{text[:400]} …"
