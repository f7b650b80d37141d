"""Icons are declared by the classes and drawn by the canvas: both know the same names."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from patchbay.nodes.builtin import BUILTIN
from patchbay.nodes.catalog import Catalog
from patchbay.nodes.icons import ICONS
from patchbay.studio.canvas.views import CatalogView

SOURCES = Path(__file__).parents[2] / "studio" / "canvas" / "frontend" / "src"


def drawn() -> set[str]:
    """The names that the frontend has a drawing for."""
    text = (SOURCES / "icons.tsx").read_text("utf-8")
    table = text[text.index("const PATHS") : text.index("\n};")]
    return set(re.findall(r"^  (\w+):", table, re.MULTILINE))


def test_the_canvas_draws_every_icon_that_a_class_may_declare() -> None:
    missing = sorted(ICONS - drawn())
    assert not missing, f"icons.tsx has no drawing for {missing}, which nodes/icons.py names"


@pytest.mark.parametrize(
    ("kind", "icon"),
    [
        ("retrieval.split", "cut"),
        ("retrieval.search", "search"),
        ("model.quantization_report", "chart"),
        ("io.picture", "picture"),
    ],
)
def test_the_class_says_its_icon_and_no_word_in_its_kind_does(kind: str, icon: str) -> None:
    shown = {one["kind"]: one.get("icon") for one in CatalogView(Catalog(table=BUILTIN)).kinds}
    assert shown[kind] == icon


def test_nothing_in_the_frontend_guesses_an_icon_from_a_kind() -> None:
    for source in SOURCES.rglob("*.tsx"):
        assert not re.search(r"\.test\((kind|inst)\b", source.read_text("utf-8")), source.name
