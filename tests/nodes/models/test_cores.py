"""How many threads compute, by what the environment says."""

from __future__ import annotations

import pytest

from patchbay.nodes.models.cores import computing_threads, share_cores
from patchbay.nodes.models.llama.load import parameters
from patchbay.nodes.models.llama.spec import GgufModel
from patchbay.nodes.weights.gguf_header import read_header
from patchbay.nodes.weights.manifest import DEFAULT
from patchbay.nodes.weights.resolve import resolve


@pytest.mark.parametrize(
    ("said", "threads"),
    [("1", 1), ("8", 8), (" 2 ", 2), ("4,2", 4), ("", None), ("0", None), ("-1", None),
     ("many", None), ("1.5", None), (",3", None)],
)  # fmt: skip
def test_threads_are_what_openmp_would_take(said: str, threads: int | None):
    assert computing_threads({"OMP_NUM_THREADS": said}) == threads


def test_where_nothing_is_said_each_library_decides():
    assert computing_threads({}) is None


@pytest.mark.parametrize(
    ("given", "after"),
    [
        ({}, {"GOMP_SPINCOUNT": "1000"}),
        ({"GOMP_SPINCOUNT": "5"}, {"GOMP_SPINCOUNT": "5"}),
        ({"OMP_WAIT_POLICY": "active"}, {"OMP_WAIT_POLICY": "active"}),
    ],
)
def test_waiting_is_left_to_whoever_said_something(given: dict[str, str], after: dict[str, str]):
    env = dict(given)
    share_cores(env)
    assert env == after


@pytest.mark.parametrize(("set_to", "threads"), [(None, 3), (2, 2)])
def test_llama_cpp_is_told_unless_the_node_says(
    set_to: int | None, threads: int, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    path = resolve(DEFAULT, lambda label, done, total: None)
    told = parameters(GgufModel(threads=set_to), path, read_header(path), []).cpuparams
    assert told.n_threads == threads
