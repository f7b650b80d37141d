"""Tables, charts, pictures and the steps of agents on a terminal and in a file."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path

from patchbay.flows.cli.figures import text_of
from patchbay.nodes.figures import Chart, Picture, Table
from patchbay.nodes.values import Document
from tests.flows.cli.conftest import Patchbay
from tests.flows.runs.harness import OUT, flow

Save = Callable[..., Path]


def test_a_table_stands_in_columns() -> None:
    table = Table(
        columns=("model", "tokens/s", "note"),
        rows=(("SmolLM2", 38.25, None), ("日本", 5, "two\nlines")),
        title="Speed",
    )
    assert text_of(table) == (
        "Speed\n\n"
        "model    tokens/s  note\n"
        "-------  --------  ---------\n"
        "SmolLM2     38.25\n"
        "日本            5  two lines"
    )
    cut = text_of(Table(columns=("a",), rows=(("x" * 90,),)), widest=20)
    assert cut.splitlines()[2] == "x" * 19 + "…"


def test_documents_have_score_and_source() -> None:
    found = [
        Document(text="Bees dance.\n", metadata={"source": "bees.pdf", "page": 3}, score=0.81234),
        Document(text="No source", score=0.0),
        Document(text="Row", metadata={"source": "a.csv", "row": 2, "heading": "B"}),
        Document(text="Nothing known"),
    ]
    assert text_of(found) == (
        "[1] score 0.812 · bees.pdf, page 3\nBees dance.\n\n"
        "[2] score 0.000\nNo source\n\n"
        "[3] a.csv, row 2, B\nRow\n\n"
        "[4]\nNothing known"
    )
    assert text_of(found[0]).startswith("[1] score 0.812")


def test_bars_are_bars_and_lines_are_numbers() -> None:
    rows = ({"n": "a", "v": 5, "lo": 4, "hi": 6.5}, {"n": "b", "v": -10, "lo": None, "hi": None})
    bars = text_of(Chart(kind="bar", rows=rows, x="n", y="v", low="lo", high="hi"))
    assert bars.splitlines()[2:] == [f"a    5  {'█' * 15} (4 to 6.5)", f"b  -10  {'█' * 30}"]
    line = text_of(Chart(kind="line", rows=rows, x="n", y="v"))
    assert line.splitlines() == ["n    v", "-  ---", "a    5", "b  -10"]
    assert text_of(Chart(kind="bar", rows=(), x="n", y="v")).splitlines()[0].startswith("n")


def test_a_picture_is_named_with_its_size() -> None:
    data = base64.b64encode(b"x" * 12_345).decode()
    assert text_of(Picture(media="image/png", data=data, alt="A dot")) == (
        "[picture image/png, 12.3 kB] A dot"
    )
    assert text_of("plain") == "plain"


def test_a_run_prints_tables_and_the_steps_of_agents(patchbay: Patchbay, save: Save) -> None:
    two = flow(
        {"f": "test.figures", "c": "test.crew", "t": ("io.output", {"name": "table"}), "o": OUT},
        ["f.table > t.value", "c.text > o.value"],
    )
    done = patchbay("run", save(two), "--verbose", "--record")
    assert done.returncode == 0, done.stderr
    assert "few-shot       0.77" in done.stdout
    assert "c: Researcher · tool call · calculator\n" in done.stderr
    assert '    {"expression": "17 * 23"}\n' in done.stderr
    assert "c: Writer · answer (1.2 s)\n    <img" in done.stderr
    assert "120 + 49 tokens · 0.21 s to first · 38 tokens/s" in done.stderr
    recorded = done.stderr.partition("Recording run ")[2].partition(";")[0]
    shown = patchbay("runs", recorded)
    assert "Researcher · tool call · calculator" in shown.stdout
    events = [json.loads(line) for line in patchbay("runs", recorded, "--json").stdout.splitlines()]
    steps = [event for event in events if event["type"] == "node_stepped"]
    assert [step["who"] for step in steps] == ["Researcher"] * 4 + ["Writer"]
