"""What outlives a run, in the history's store."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from patchbay.flows import History, InThread, LoadedFlow, RunError, run
from patchbay.flows.runs.forgetting import forget_person, forget_thread
from patchbay.flows.runs.remembering import Remembering
from patchbay.nodes.contract import NodeError
from patchbay.nodes.remembered import Fact, Summary
from tests.flows.runs.harness import OUT, environment, flow
from tests.paths import ROOT, python_path
from tests.stores import url_of


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(url_of(tmp_path / "history.sqlite"))


STORES = """
    import sys
    from patchbay.flows import History
    from patchbay.flows.runs.remembering import Remembering
    from patchbay.nodes.remembered import Fact
    Remembering(History(sys.argv[1]), flow="f").store("flow", Fact("theirs", "e", (1.0, 0.5)))
"""


def test_a_fact_of_another_process_is_found_by_one_that_has_searched(
    history: History, tmp_path: Path
) -> None:
    here = Remembering(history, flow="f")
    assert here.facts("flow") == []
    url = url_of(tmp_path / "history.sqlite")
    command = [sys.executable, "-c", textwrap.dedent(STORES), url]
    subprocess.run(command, env={"PYTHONPATH": python_path(ROOT)}, check=True, timeout=240)
    (fact,) = here.facts("flow")
    assert (fact.text, fact.embeddings, fact.vector) == ("theirs", "e", (1.0, 0.5))
    assert Remembering(history, flow="another").facts("flow") == []


def test_a_long_path_and_a_long_id_are_kept_whole(history: History) -> None:
    """What a file system takes: 4,096 bytes, of which little repeats; PostgreSQL's trees do not."""
    parts = [hashlib.sha512(str(n).encode()).hexdigest() for n in range(33)]
    here = Remembering(history, thread="ada", flow="/" + "/".join(parts)[:4094])
    other = Remembering(history, thread="ada", flow="/" + "/".join(parts)[:4093])
    assert here.store("flow", Fact("a", "e", ()))
    assert not here.store("flow", Fact("a", "e", ()))
    assert [fact.text for fact in here.facts("flow")] == ["a"]
    assert other.facts("flow") == []
    node = "/".join(parts)[:1200]
    here.keep_summary(node, Summary(1, "d", "t"))
    assert here.summary(node) == Summary(1, "d", "t")


def test_a_damaged_vector_is_as_none(history: History) -> None:
    here = Remembering(history)
    here.store("person", Fact("a", "e", (1.0,)))
    table = history.store.table("facts")
    change = table.update().values(vector="not base64!")
    history.store.do(lambda db: db.execute(change), write=True)
    assert [fact.vector for fact in here.facts("person")] == [()]


def test_a_thread_is_needed_for_what_is_of_it(history: History) -> None:
    here = Remembering(history)
    with pytest.raises(NodeError) as error:
        here.facts("thread")
    assert error.value.code == "memory/no-thread"
    here.keep_summary("n", Summary(1, "d", "t"))
    assert here.summary("n") is None
    inside = Remembering(history, thread="ada")
    inside.keep_summary("n", Summary(1, "d", "t"))
    inside.keep_summary("n", Summary(2, "d", "u"))
    assert inside.summary("n") == Summary(2, "d", "u")


def keeps(scope: str) -> LoadedFlow:
    return LoadedFlow(
        flow(
            {"q": ("io.input", {"name": "said"}), "m": ("memory.remember", {"scope": scope}),
             "r": ("memory.recall", {"scope": scope}), "o": OUT},
            ["q.value > m.text", "m.text > r.query", "r.text > o.value"],
        )
    )  # fmt: skip


def test_runs_remember_in_their_scope_until_it_is_deleted(history: History) -> None:
    def say(text: str, scope: str, use: InThread) -> str:
        env = environment(history=history)
        result = run(keeps(scope), said=text, thread=use, history=history, environment=env)
        return str(result.outputs["out"])

    ada, bob = InThread("a", person="Ada"), InThread("b", person="Bob")
    assert say("blue sea", "person", ada) == "blue sea"
    assert say("blue sky", "person", InThread("a2", person="Ada")) == "blue sky\nblue sea"
    assert say("blue car", "person", bob) == "blue car"
    assert say("blue", "thread", ada) == "blue"
    assert say("blue", "flow", ada) == "blue"
    assert say("blue too", "flow", bob) == "blue too\nblue"
    assert forget_thread(history, "a").facts == 1
    assert forget_person(history, "Ada").facts == 2
    assert Remembering(history, person="Ada").facts("person") == []
    assert len(Remembering(history, person="Bob").facts("person")) == 1


def test_a_run_in_no_thread_cannot_remember_in_one(history: History) -> None:
    env = environment(history=history)
    with pytest.raises(RunError) as error:
        run(keeps("thread"), said="x", environment=env)
    assert error.value.problem.code == "memory/no-thread"
    assert error.value.problem.node == "m"
