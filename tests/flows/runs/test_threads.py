"""Conversations: what a run gets of them, what it adds, and who may be at work in one."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from patchbay.flows import History, InThread, LoadedFlow, RunError, Threads, arun, run
from patchbay.flows.problems import FlowError
from patchbay.flows.runs.cache import FolderCache
from patchbay.flows.runs.forgetting import forget_person, forget_thread
from patchbay.flows.runs.resume import resumed_run
from patchbay.flows.runs.thread_export import as_data, as_markdown
from patchbay.flows.runs.thread_holds import take
from patchbay.flows.runs.thread_runs import turn_of
from tests.flows.runs.harness import CATALOG, OUT, environment, flow, words
from tests.flows.runs.nodes import Gate
from tests.flows.runs.people import env_of, goes_on
from tests.paths import ROOT, python_path
from tests.stores import url_of

TALK = flow(
    {
        "q": ("io.input", {"name": "said", "kind": "messages"}),
        "t": ("prompt.template", {"template": "{said}"}),
        "o": OUT,
    },
    ["q.value > t.said", "t.text > o.value"],
    name="Talk",
)
FAILS = flow(
    {"q": ("io.input", {"name": "said", "kind": "messages"}), "f": "test.fail", "o": OUT},
    ["f.text > o.value"],
)


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(url_of(tmp_path / "history.sqlite"))


def say(history: History, text: str, thread: Any = "ada", document: Any = TALK) -> str:
    result = run(document, said=text, thread=thread, history=history, environment=environment())
    assert result.thread == (thread if isinstance(thread, str) else thread.id or result.thread)
    return str(result.outputs["out"])


def refused(error: pytest.ExceptionInfo[FlowError]) -> str:
    return error.value.problems[0].code


def test_a_run_gets_what_was_said_before(history: History) -> None:
    assert say(history, "Hi") == "user: Hi"
    assert say(history, "More") == "user: Hi\n\nassistant: user: Hi\n\nuser: More"
    (thread,) = Threads(history).listed()
    assert (thread.id, thread.title, thread.flow, thread.turns, thread.run) == (
        "ada", "Hi", "Talk", 2, "",
    )  # fmt: skip
    turns = Threads(history).turns("ada")
    assert [(turn.number, turn.asked) for turn in turns] == [(1, "Hi"), (2, "More")]
    assert history.get(turns[1].run).inputs["said"][0]["content"] == "More", "not the whole again"
    assert len(history.get(turns[1].run).inputs["said"]) == 1


def test_threads_are_apart_and_survive_the_process(history: History, tmp_path: Path) -> None:
    say(history, "Hi")
    say(history, "Ho", "bob")
    history.close()
    again = History(url_of(tmp_path / "history.sqlite"))
    assert say(again, "More", "bob") == "user: Ho\n\nassistant: user: Ho\n\nuser: More"


def test_a_text_flow_keeps_its_turns_and_sees_each_message_alone(history: History) -> None:
    echo = flow(
        {"q": ("io.input", {"name": "said"}), "u": "test.upper", "o": OUT},
        ["q.value > u.text", "u.text > o.value"],
    )
    assert say(history, "hi", document=echo) == "HI"
    assert say(history, "ho", document=echo) == "HO"
    assert [turn.answer for turn in Threads(history).turns("ada")] == ["HI", "HO"]


def test_a_run_that_fails_adds_no_turn_and_frees_the_thread(history: History) -> None:
    with pytest.raises(RunError):
        run(FAILS, said="Hi", thread="ada", history=history, environment=environment())
    (thread,) = Threads(history).listed()
    assert (thread.turns, thread.run) == (0, "")
    assert say(history, "Hi") == "user: Hi"


async def test_a_run_that_is_stopped_adds_no_turn(history: History) -> None:
    slow = flow(
        {"q": ("io.input", {"name": "said", "kind": "messages"}),
         "s": ("test.random", {"wait_s": 600}),
         "t": "test.text", "o": OUT},
        ["t.text > s.text", "s.text > o.value"],
    )  # fmt: skip
    use = InThread("ada")
    begun = turn_of(LoadedFlow(slow), {"said": "Hi"}, environment(), use, history).now()
    async for event in begun.events():
        if words([event]) == ["start s"]:
            assert Threads(history).get("ada").run == begun.id
            begun.cancel()
    thread = Threads(history).get("ada")
    assert (thread.turns, thread.run) == (0, "")


def test_the_last_answer_is_made_anew_in_its_place(history: History) -> None:
    say(history, "Hi")
    first = Threads(history).turns("ada")
    say(history, "More")
    run(TALK, thread=InThread("ada", again=True), history=history, environment=environment())
    turns = Threads(history).turns("ada")
    assert [turn.asked for turn in turns] == ["Hi", "More"]
    assert turns[1].answer == "user: Hi\n\nassistant: user: Hi\n\nuser: More"
    assert turns[0] == first[0]
    with pytest.raises(FlowError) as error:
        run(TALK, thread=InThread("eve", again=True), history=history, environment=environment())
    assert refused(error) == "thread/unknown"


def test_an_answer_that_fails_to_come_anew_leaves_the_old_one(history: History) -> None:
    say(history, "Hi")
    with pytest.raises(RunError):
        run(FAILS, thread=InThread("ada", again=True), history=history, environment=environment())
    assert [turn.answer for turn in Threads(history).turns("ada")] == ["user: Hi"]


def test_a_branch_goes_its_own_way(history: History) -> None:
    for text in ("one", "two", "three"):
        say(history, text)
    threads = Threads(history)
    made = threads.branch("ada", 2, "other")
    assert (made.turns, made.branch_of, made.title) == (2, "ada/2", "one (branch)")
    say(history, "four", "other")
    assert [turn.asked for turn in threads.turns("other")] == ["one", "two", "four"]
    assert [turn.asked for turn in threads.turns("ada")] == ["one", "two", "three"]
    for number in (0, 4, -1):
        with pytest.raises(FlowError, match="turns 1 to 3") as error:
            threads.branch("ada", number)
        assert refused(error) == "thread/turn"


def test_search_finds_what_was_said_in_any_script(history: History) -> None:
    say(history, "Der Ärger mit 100% der_Dinge", "a")
    say(history, "東京 is a city", "b")
    threads = Threads(history)
    threads.rename("b", "ÖSTERREICH")
    found = {text: [t.id for t in threads.listed(text)] for text in (
        "ÄRGER", "100%", "R_D", "東京", "österreich", "%", "_", "nothing", "\\",
    )}  # fmt: skip
    assert found == {
        "ÄRGER": ["a"], "100%": ["a"], "R_D": ["a"], "東京": ["b"], "österreich": ["b"],
        "%": ["a"], "_": ["a"], "nothing": [], "\\": [],
    }  # fmt: skip


async def test_one_run_at_a_time_and_the_second_waits(history: History) -> None:
    env = environment()
    answers = await asyncio.gather(
        *(arun(TALK, said=str(n), thread="ada", history=history, environment=env) for n in range(4))
    )
    turns = Threads(history).turns("ada")
    assert sorted(turn.asked for turn in turns) == ["0", "1", "2", "3"]
    assert sorted(len(str(answer.outputs["out"])) for answer in answers) == sorted(
        len(turn.answer) for turn in turns
    ), "each saw all turns before it"


def test_a_caller_that_does_not_wait_is_refused(history: History) -> None:
    threads = Threads(history)
    held = take(threads, threads.start("ada"), "run-1", "said", ())
    with pytest.raises(FlowError, match='"run-1" is at work') as error:
        say(history, "Hi", InThread("ada", when_busy="refuse"))
    assert refused(error) == "thread/busy"
    with pytest.raises(FlowError) as error:
        forget_thread(history, "ada")
    assert refused(error) == "thread/busy"
    held.release()
    assert say(history, "Hi") == "user: Hi"


def test_a_thread_is_begun_once(history: History) -> None:
    threads = Threads(history)
    threads.start("ada")
    with pytest.raises(FlowError) as error:
        threads.start("ada")
    assert refused(error) == "thread/exists"


@pytest.mark.parametrize("person", ["", "ada"])
def test_first_turns_that_come_at_the_same_moment_begin_one_thread(
    history: History, person: str
) -> None:
    use = InThread("new", person=person)

    def turn(said: str) -> str:
        return turn_of(LoadedFlow(TALK), {"said": said}, environment(), use, history).thread.id

    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(turn, "abcdefgh")) == {"new"}
    assert len(Threads(history).listed(people=[person])) == 1


def test_a_thread_that_another_person_begins_at_the_same_moment_is_not_joined(
    history: History,
) -> None:
    from patchbay.flows.runs.thread_runs import _begun

    Threads(history).start("new", person="eve")
    with pytest.raises(FlowError) as error:
        _begun(Threads(history), InThread("new", person="ada"), "", "Talk", "")
    assert refused(error) == "thread/exists"


HOLDER = """
    import sys
    from patchbay.flows import History, Threads
    from patchbay.flows.runs.thread_holds import take
    threads = Threads(History(sys.argv[1]))
    take(threads, threads.get("ada"), "theirs", "said", ())
    print("held", flush=True)
    sys.stdin.read()
"""


def test_another_process_holds_it_until_it_is_killed(history: History, tmp_path: Path) -> None:
    threads = Threads(history)
    threads.start("ada")
    command = [sys.executable, "-c", textwrap.dedent(HOLDER)]
    url = url_of(tmp_path / "history.sqlite")
    with subprocess.Popen(
        [*command, url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={"PYTHONPATH": python_path(ROOT)},
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(FlowError, match='"theirs" is at work'):
            say(history, "Hi", InThread("ada", when_busy="refuse"))
        other.kill()
    assert say(history, "Hi") == "user: Hi"


def test_a_holder_on_another_machine_counts_as_dead_when_it_is_silent(history: History) -> None:
    threads, table = Threads(history), history.store.table("threads")
    threads.start("ada")

    def elsewhere(held_at: float) -> None:
        change = table.update().values(run="theirs", process="elsewhere/1/1.00", held_at=held_at)
        history.store.do(lambda db: db.execute(change), write=True)

    elsewhere(4e9)
    with pytest.raises(FlowError, match='"theirs" is at work'):
        say(history, "Hi", InThread("ada", when_busy="refuse"))
    elsewhere(0.0)
    assert say(history, "Hi") == "user: Hi"


async def test_a_stopped_turn_goes_on_in_its_thread(history: History) -> None:
    document = flow(
        {"q": ("io.input", {"name": "said", "kind": "messages"}),
         "t": ("prompt.template", {"template": "{said}"}),
         "s": "test.gate", "o": OUT},
        ["q.value > t.said", "t.text > s.text", "s.text > o.value"],
    )  # fmt: skip
    say(history, "one", "ada")
    use = InThread("ada")
    Gate.shut()
    begun = turn_of(LoadedFlow(document), {"said": "two"}, environment(), use, history).now()
    async for event in begun.events():
        if words([event]) == ["start s"]:
            begun.cancel()
    Gate.opened.set()
    again = resumed_run(history, history.get(begun.id), environment())
    assert "resumed t" in words([event async for event in again.events()])
    assert [turn.asked for turn in Threads(history).turns("ada")] == ["one", "two"]


async def test_a_stopped_turn_does_not_go_on_where_the_thread_has(history: History) -> None:
    begun = turn_of(LoadedFlow(TALK), {"said": "two"}, environment(), InThread("ada"), history)
    stopped = begun.now()
    stopped.cancel()
    _ = [event async for event in stopped.events()]
    say(history, "meanwhile")
    with pytest.raises(FlowError) as error:
        resumed_run(history, history.get(stopped.id), environment())
    assert refused(error) == "thread/gone-on"


def test_a_damaged_row_is_said_and_left_out(history: History) -> None:
    for text in ("one", "two"):
        say(history, text)
    table = history.store.table("turns")
    for broken in ('{"no', '["x"]', "[1]", '[{"role": "nobody", "content": "x"}]'):
        change = table.update().where(table.c.number == 1).values(question=broken)
        history.store.do(lambda db, change=change: db.execute(change), write=True)
        assert [turn.damaged for turn in Threads(history).turns("ada")] == [True, False]
    assert say(history, "three").startswith("user: two\n\n")
    threads = Threads(history)
    last = threads.turns("ada")[-1].run
    warned = [e["message"] for e in history.events(last) if e["type"] == "run_warned"]
    assert warned == [
        "In the thread ada, what was said in turn 1 cannot be read any more; the flow does not "
        "get it."
    ]
    assert "cannot be read" in as_markdown(threads.get("ada"), threads.turns("ada"))
    assert as_data(threads.get("ada"), threads.turns("ada"))["turns"][0]["damaged"] is True


def test_ten_thousand_turns(history: History) -> None:
    threads = Threads(history)
    threads.start("ada")
    question = json.dumps([{"role": "user", "content": "Hi"}])
    row = {"thread": "ada", "question": question, "answer": '"Ho"', "words": "hi ho", "run": "r"}
    rows = [{**row, "number": number, "at": 0.0} for number in range(1, 10_001)]
    table, of = history.store.table("turns"), history.store.table("threads")

    def fill(db: Any) -> None:
        db.execute(table.insert(), rows)
        db.execute(of.update().values(turns=10_000))

    history.store.do(fill, write=True)
    assert say(history, "Last").endswith("assistant: Ho\n\nuser: Last")
    assert threads.get("ada").turns == 10_001
    assert [t.id for t in threads.listed("ho")] == ["ada"]


BAD_IDS = ("", " ", "../etc", "a/b", "-x", "x" * 65, "a\nb", ".hidden")


@pytest.mark.parametrize("name", BAD_IDS)
def test_an_id_is_no_path(history: History, name: str) -> None:
    with pytest.raises(FlowError) as error:
        say(history, "Hi", name)
    assert refused(error) == "thread/id"
    assert Threads(history).listed() == []


def test_a_title_may_look_like_a_path_and_is_none(history: History) -> None:
    say(history, "Hi")
    threads = Threads(history)
    assert threads.rename("ada", "../../etc/passwd").title == "../../etc/passwd"
    assert threads.rename("ada", " a\n\x1b[31m b ").title == "a [31m b"
    for bad in ("", " \n", "x" * 201):
        with pytest.raises(FlowError) as error:
            threads.rename("ada", bad)
        assert refused(error) == "thread/title"
    with pytest.raises(FlowError, match='Did you mean "ada"') as error:
        threads.rename("adda", "x")
    assert refused(error) == "thread/unknown"


def test_a_flow_that_cannot_be_talked_to_is_refused(history: History) -> None:
    two = flow(
        {"a": ("io.input", {"name": "a", "kind": "messages"}),
         "b": ("io.input", {"name": "b", "kind": "messages"}), "o": OUT},
        ["a.value > o.value"],
    )  # fmt: skip
    none = flow({"t": "test.text", "o": OUT}, ["t.text > o.value"])
    for document in (two, none):
        with pytest.raises(FlowError) as error:
            run(document, thread="ada", history=history, environment=environment())
        assert refused(error) == "thread/no-input"
    assert Threads(history).listed() == [], "nothing is begun for a run that cannot be"


def test_all_data_of_a_thread_is_deleted(history: History, tmp_path: Path) -> None:
    cache = FolderCache(tmp_path / "results", CATALOG.value_types)
    env = environment(cache=cache)
    for text, thread in (("Xanadu-1", "ada"), ("Xanadu-2", "ada"), ("other", "bob")):
        run(TALK, said=text, thread=thread, history=history, environment=env)
    Threads(history).branch("ada", 1, "branch")
    done = forget_thread(history, "ada", cache)
    assert (done.threads, done.turns, done.runs, done.kept) == (1, 2, 1, 1)
    done = forget_thread(history, "branch", cache)
    assert (done.runs, done.kept) == (1, 0)
    assert [thread.id for thread in Threads(history).listed()] == ["bob"]
    assert [past.inputs["said"][0]["content"] for past in history.runs()] == ["other"]
    history.close()
    cache.close()
    left = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert [path.name for path in left if b"Xanadu" in path.read_bytes()] == []
    with pytest.raises(FlowError) as error:
        Threads(history).get("ada")
    assert refused(error) == "thread/unknown"


def test_all_data_of_a_person_is_deleted(history: History) -> None:
    for text, use in (
        ("one", InThread("a", person="Ada")), ("two", InThread("b", person="Ada")),
        ("three", InThread("c", person="Bob")),
    ):  # fmt: skip
        say(history, text, use)
    assert [t.id for t in Threads(history).listed(people=["Bob"])] == ["c"]
    done = forget_person(history, "Ada")
    assert (done.threads, done.runs) == (2, 2)
    assert [thread.id for thread in Threads(history).listed()] == ["c"]
    with pytest.raises(FlowError) as error:
        forget_person(history, "Ada")
    assert refused(error) == "thread/person"


def test_a_thread_deleted_while_somebody_waits_for_it_is_said(history: History) -> None:
    turning = turn_of(LoadedFlow(TALK), {"said": "Hi"}, environment(), InThread("ada"), history)
    forget_thread(history, "ada")
    with pytest.raises(FlowError) as error:
        turning.now()
    assert refused(error) == "thread/unknown"


async def test_a_run_that_waits_for_an_answer_keeps_its_thread(history: History) -> None:
    document = flow(
        {"q": ("io.input", {"name": "said"}), "ask": "test.ask", "o": OUT},
        ["q.value > ask.text", "ask.text > o.value"],
    )
    env = env_of()
    begun = turn_of(LoadedFlow(document), {"said": "Hi"}, env, InThread("ada"), history).now()
    assert words([event async for event in begun.events()])[-1] == "waiting for ask"
    with pytest.raises(FlowError, match="patchbay answer") as error:
        say(history, "More", InThread("ada", when_busy="refuse"))
    assert refused(error) == "thread/busy"
    assert (await goes_on(history, begun.id, True))[-1] == "finished {'out': 'Hi: yes by ada'}"
    assert [turn.answer for turn in Threads(history).turns("ada")] == ["Hi: yes by ada"]
    begun = turn_of(LoadedFlow(document), {"said": "Ho"}, env, InThread("ada"), history).now()
    _ = [event async for event in begun.events()]
    history.delete(begun.id)
    assert say(history, "More").endswith("user: More"), "a run that is gone holds nothing"
