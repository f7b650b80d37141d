#!/usr/bin/env bash
# Guess: a step with a `CachePolicy` is answered from the cache when the same step got the same input before.
# What happens: "the same step" is the name of the node and the dotted name of its function. Functions that one builder makes, each
# around another model, prompt or user, have one name: graphs that share a cache give each other's answers. Steps that are objects
# with `__call__` are told apart by the name of the node alone. The model is not asked, and nothing is said.
# Seen with langgraph 1.2.24 on 2026-11-30.
# Why it matters: a comparison of two models shows the first one twice, and one user's answer goes to another. Give each a cache
# of its own, or a `key_func` that holds the model's name as well.
source "$(dirname "$0")/_env.sh"
packages 'langgraph==1.2.24'
"$PY" - <<'PY'
from importlib.metadata import version
from typing import TypedDict

from langgraph.cache.memory import InMemoryCache
from langgraph.graph import START, StateGraph
from langgraph.types import CachePolicy


class State(TypedDict, total=False):
    question: str
    answer: str


def asking(model):
    def answer(state):
        return {"answer": f"{model} says yes"}

    return answer


class Formal:
    def __call__(self, state):
        return {"answer": "Indeed."}


class Casual:
    def __call__(self, state):
        return {"answer": "Yep."}


def run(step, cache):
    graph = StateGraph(State)
    graph.add_node("answer", step, cache_policy=CachePolicy())
    graph.add_edge(START, "answer")
    return graph.compile(cache=cache).invoke({"question": "Is it so?"})["answer"]


print("langgraph", version("langgraph"))
shared, callables = InMemoryCache(), InMemoryCache()
seen = {
    "one cache": [run(asking(model), shared) for model in ("small", "large")],
    "a cache each": [run(asking(model), InMemoryCache()) for model in ("small", "large")],
    "one cache, two classes": [run(step, callables) for step in (Formal(), Casual())],
}
for case, answers in seen.items():
    print(f"{case}: {answers}")
wanted = {
    "one cache": ["small says yes", "small says yes"],
    "a cache each": ["small says yes", "large says yes"],
    "one cache, two classes": ["Indeed.", "Indeed."],
}
raise SystemExit(0 if seen == wanted else 1)
PY
