"""How an experiment is scored: checks that are chosen or typed, and the rubric of a judge."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from patchbay.flows.experiments.judging import RUBRIC, read_any_check
from patchbay.flows.problems import FlowError
from patchbay.studio.plain_text import plain
from patchbay.studio.server.services import services

OFFERED = ("exact", "contains", "number", "number:0.01", "similarity", "judge", "versus",
           "seconds:2", "tokens:100", "memory:1 GB")  # fmt: skip
JUDGING = ("judge", "versus", "flow")
ABOUT = (
    "**exact**: the same, but for case, spaces and a final full stop. **contains**: the right "
    "answer stands in it. **number**, **number:0.01**: its last number, so close. **similarity**: "
    "the cosine of their meanings. **judge**: a model grades it by a rubric. **versus**: a model "
    "says whether it is better than the first variant's, asked in both orders. **schema:FILE**: "
    "JSON of that shape. **flow:FILE**: a judge of your own. **seconds:2**, **tokens:100**, "
    "**cost:0.01**, **memory:1 GB**: no more than that."
)


def checks_editor(before: Sequence[str], folder: Path | None, key: str) -> list[str]:
    """Draw the checks, and give them as they are now."""
    plain_names = [_without_rubric(name) for name in before]
    own = [f"flow:{path.name}" for path in services().library.own_files()
           if "judge" in path.stem]  # fmt: skip
    given = st.multiselect(
        "Checks", list(dict.fromkeys([*plain_names, *OFFERED, *own])), plain_names or ["exact"],
        key=f"{key}:checks", accept_new_options=True, help=ABOUT,
    )  # fmt: skip
    rubric = next((_rubric(name) for name in before if _rubric(name)), "")
    if any(name.partition(":")[0] in JUDGING for name in given):
        rubric = st.text_area("Rubric of the judge", rubric or RUBRIC, key=f"{key}:rubric")
    checks = [_with_rubric(name, rubric) for name in given] or ["exact"]
    for name in checks:
        try:
            read_any_check(name, folder or Path.cwd())
        except FlowError as error:
            problem = error.problems[0]
            st.error(f"{plain(problem.message)} {plain(problem.fix)}")
    return checks


def _rubric(name: str) -> str:
    kind, _, more = name.partition(":")
    if kind == "flow":
        more = more.partition(":")[2]
    return more if kind in JUDGING else ""


def _without_rubric(name: str) -> str:
    kind, _, more = name.partition(":")
    if kind == "flow":
        return f"flow:{more.partition(':')[0]}"
    return kind if kind in JUDGING else name


def _with_rubric(name: str, rubric: str) -> str:
    said = " ".join(rubric.split())
    if not said or said == RUBRIC or name.partition(":")[0] not in JUDGING:
        return name
    return f"{name}:{said}"
