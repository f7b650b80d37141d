"""The cases behind a score are looked for anew when cells have ended, not at each drawing."""

from __future__ import annotations

from pathlib import Path

import pytest

from patchbay.flows.experiments.keeping import ExperimentCell, KeptCells
from patchbay.studio.panels.grid import FoundCases, PageOfCases, SeenCases

AT = PageOfCases(("first", "other"), "exact", "wrong", 1)


def test_they_are_looked_for_when_a_cell_has_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATCHBAY_HOME", str(tmp_path))
    now = [1000.0]
    monkeypatch.setattr("patchbay.studio.panels.grid.time.monotonic", lambda: now[0])
    kept, seen, looked = KeptCells("grid"), SeenCases(), list[int]()

    def look() -> FoundCases:
        looked.append(1)
        now[0] += 0.5
        return [], len(looked)

    for _ in range(5):
        assert seen.page(AT, kept, look) == ([], 1), "nothing has ended"
    kept.add(ExperimentCell("first", "a", "x"))
    assert seen.page(AT, kept, look) == ([], 1), "half a second was spent just now"
    now[0] += 6.0
    assert seen.page(AT, kept, look) == ([], 2)
    assert seen.page(AT, kept, look) == ([], 2)
    for other in (
        PageOfCases(("first", "other"), "exact", "wrong", 21),
        PageOfCases(("first", "other"), "exact", "all", 21),
        PageOfCases(("first", "third"), "exact", "all", 21),
        PageOfCases(("first", "third"), "number", "all", 21),
    ):
        before = len(looked)
        seen.page(other, kept, look)
        assert len(looked) == before + 1, "who asks for others gets them at once"
