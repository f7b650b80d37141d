#!/usr/bin/env bash
# Guess: what nodes that run side by side add to one list stands in the order in which they finished, or in which they were
# added.
# What happens: it stands in the order of the nodes' names as text: step1, step10, step2.
# Seen with langgraph 1.2.24 on 2026-11-28.
# Why it matters: samples, map results or turns of parallel agents change places when there are ten of them or when a node is
# renamed; what must keep its order has to carry its number.
source "$(dirname "$0")/_env.sh"
packages 'langgraph==1.2.24'
"$PY" - <<'PY'
import operator
from importlib.metadata import version
from typing import Annotated, TypedDict

from langgraph.graph import END, START, StateGraph


class State(TypedDict):
    found: Annotated[list[int], operator.add]


graph = StateGraph(State)
for number in (1, 2, 10):
    graph.add_node(f"step{number}", lambda state, number=number: {"found": [number]})
    graph.add_edge(START, f"step{number}")
    graph.add_edge(f"step{number}", END)
found = graph.compile().invoke({"found": []})["found"]
print("langgraph", version("langgraph"), "added 1, 2, 10 and gave", found)
raise SystemExit(0 if found == [1, 10, 2] else 1)
PY
