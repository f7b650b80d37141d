"""`patchbay run --trace`, and what a run costs on the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from patchbay.flows.document.writing import canonical_text
from tests.flows.server.flows import FLOWS
from tests.flows.traces.receiver import collecting
from tests.flows.traces.test_traces import PARENT, asks
from tests.nodes.models.servers.told_server import says, told

PRICES = '[prices]\ncurrency = "EUR"\n[prices.models.told]\ninput = 100\noutput = 1000\n'


def test_a_run_sends_its_trace_and_says_what_it_cost(patchbay: Any, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "settings.toml").write_text(PRICES, encoding="utf-8")
    file = tmp_path / "sky.json"
    with collecting() as collector, told(says("Blue.")) as server:
        file.write_text(canonical_text(asks(server)), encoding="utf-8")
        given = ("run", str(file), "--input", "question=Why?", "--no-cache")
        sent = ("--trace", collector.url, "--record")
        done = patchbay(*given, *sent, "--json", TRACEPARENT=PARENT)
        assert done.returncode == 0, done.stderr
        result = json.loads(done.stdout)
        assert result["trace"] == PARENT[3:35]
        assert result["cost"] == {"amounts": {"EUR": 0.006}}
        assert collector.named("chat told").trace == PARENT[3:35]
        assert f"Trace {PARENT[3:35]}" in done.stderr
        assert "0.0060 EUR" in patchbay("runs").stdout
        (row,) = json.loads(patchbay("runs", "--json").stdout)
        assert row["cost"] == {"amounts": {"EUR": 0.006}}


def test_what_goes_on_after_an_answer_is_traced_too(patchbay: Any, tmp_path: Path) -> None:
    file = tmp_path / "approve.json"
    file.write_text(canonical_text(FLOWS["approve"]), encoding="utf-8")
    with collecting() as collector:
        for _ in range(2):
            patchbay("run", str(file), "--input", "mail=Dear Ada", "--record", "-q")
        first, second = (row["run"] for row in json.loads(patchbay("inbox", "--json").stdout))
        sent = ("--approve", "--trace", collector.url)
        done = patchbay("answer", first, *sent, TRACEPARENT=PARENT)
        assert done.returncode == 0, done.stderr
        root = collector.named("invoke_workflow Approve")
        assert (root.trace, root.attributes["patchbay.run.id"]) == (PARENT[3:35], first)
        assert f"Trace {PARENT[3:35]}" in done.stderr
        collector.spans.clear()
        done = patchbay("answer", second, "--approve", PATCHBAY_TRACE=collector.url)
        assert collector.named("invoke_workflow Approve").attributes["patchbay.run.id"] == second


def test_each_turn_of_a_chat_is_traced_with_its_thread(patchbay: Any, tmp_path: Path) -> None:
    file = tmp_path / "sky.json"
    with collecting() as collector, told(says("Blue.")) as server:
        file.write_text(canonical_text(asks(server)), encoding="utf-8")
        said = ("-m", "Why?", "-m", "And at night?", "--thread", "ada")
        done = patchbay("chat", str(file), *said, "--trace", collector.url, "--no-cache")
        assert done.returncode == 0, done.stderr
    roots = [span for span in collector.spans if span.name.startswith("invoke_workflow")]
    assert [span.attributes["gen_ai.conversation.id"] for span in roots] == ["ada", "ada"]
    assert len({span.trace for span in roots}) == 2


def test_a_collector_that_is_not_there_costs_no_answer(patchbay: Any, tmp_path: Path) -> None:
    file = tmp_path / "shout.json"
    file.write_text(canonical_text(FLOWS["shout"]), encoding="utf-8")
    given = ("run", str(file), "--input", "text=a", "--trace")
    done = patchbay(*given, "http://127.0.0.1:9")
    assert (done.returncode, done.stdout) == (0, "A\n")
    assert "The trace could not be sent" in done.stderr
    wrong = patchbay(*given, "here")
    assert wrong.returncode != 0
    assert "no address for traces" in wrong.stderr
