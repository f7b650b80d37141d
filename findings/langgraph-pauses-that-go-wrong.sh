#!/usr/bin/env bash
# Guess: an answer given with Command(resume=…) reaches the interrupt() that a person saw, whatever it is and whatever the node
# and the graph look like by then; a second answer is refused.
# What happens: answers are matched by index within the node, so that one given to a first question is taken by the second when
# the first is not asked any more; a dictionary keyed by 32 hexadecimal digits is taken for ids of interrupts and goes nowhere;
# None raises UnboundLocalError; when the waiting node has another name the run ends well without having run it; a second answer
# is taken without a word and gives the first result; and `except Exception` around interrupt() swallows the question.
# Seen with langgraph 1.2.24 on 2026-11-29.
# Why it matters: people approve things in these pauses, and graphs are changed while runs wait for days.
source "$(dirname "$0")/_env.sh"
packages 'langgraph==1.2.24'
"$PY" - <<'PY'
from importlib.metadata import version
from typing import Any, TypedDict

from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command, interrupt


class State(TypedDict, total=False):
    got: Any


CONFIG = {"configurable": {"thread_id": "1"}}


def graph(node, name="node", saver=None):
    made = StateGraph(State)
    made.add_node(name, node)
    made.add_edge(START, name)
    made.add_edge(name, END)
    return made.compile(checkpointer=saver or InMemorySaver())


def paused(node, **more):
    made = graph(node, **more)
    made.invoke({}, CONFIG)
    return made


def asks(state):
    return {"got": interrupt("q")}


seen = {}
questions = ["first?", "second?"]


def two(state):
    return {"got": {question: interrupt(question) for question in list(questions)}}


changing = paused(two)
changing.invoke(Command(resume="to the first"), CONFIG)
questions.remove("first?")
seen["by index"] = changing.invoke(Command(resume="to the second"), CONFIG)["got"] == {"second?": "to the first"}
again = paused(asks).invoke(Command(resume={"d41d8cd98f00b204e9800998ecf8427e": "a file"}), CONFIG)
seen["digests go nowhere"] = "__interrupt__" in again
try:
    paused(asks).invoke(Command(resume=None), CONFIG)
    seen["None raises"] = False
except UnboundLocalError:
    seen["None raises"] = True
saver = InMemorySaver()
paused(asks, saver=saver)
seen["renamed node is not run"] = graph(asks, "renamed", saver).invoke(Command(resume="yes"), CONFIG) in ({}, None)
twice = paused(asks)
twice.invoke(Command(resume="one"), CONFIG)
seen["second answer"] = twice.invoke(Command(resume="two"), CONFIG) == {"got": "one"}


def swallows(state):
    try:
        return {"got": interrupt("q")}
    except Exception:
        return {"got": "swallowed"}


seen["swallowed"] = graph(swallows).invoke({}, CONFIG) == {"got": "swallowed"}
print("langgraph", version("langgraph"), seen)
raise SystemExit(0 if all(seen.values()) else 1)
PY
