"""What is wrong with a flow or a file, on a page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import streamlit as st

from patchbay.flows.problems import Problem
from patchbay.studio.plain_text import plain

LISTED = 20
"""Problems that are listed; what comes after those of one cause helps nobody."""


def list_problems(problems: Sequence[object], most: int = LISTED) -> None:
    """A line for each, below words that say what could not be done."""
    for problem in problems[:most]:
        st.markdown(f"- {plain(_in_words(problem))}")


def _in_words(problem: object) -> str:
    if not isinstance(problem, Problem):
        return str(problem)
    return f"{problem.place}: {problem.in_words()}" if problem.place else problem.in_words()


def show_problems(problems: Iterable[Problem]) -> None:
    """A box for each, with its place and its fix."""
    for problem in problems:
        place = f"**{plain(problem.place)}** " if problem.place else ""
        fix = f"\n\n{plain(problem.fix)}" if problem.fix else ""
        st.error(f"{place}{plain(problem.message)}{fix}")
