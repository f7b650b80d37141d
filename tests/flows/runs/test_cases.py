"""The engine as a table: a flow, and the whole list of what happens."""

from __future__ import annotations

from typing import Any

import pytest

from patchbay.flows.document.model import Flow
from patchbay.flows.problems import FlowError
from patchbay.flows.runs.events import NodeFailed
from patchbay.nodes.contract import Context, JsonValue, NodeParams, Ports
from tests.flows.runs.harness import CATALOG, OUT, environment, events_of, flow, words
from tests.flows.runs.nodes import Fail, Text

CASES: dict[str, tuple[Flow, list[str]]] = {
    "a chain": (
        flow(
            {"a": "test.text", "b": "test.upper", "o": OUT},
            ["a.text > b.text", "b.text > o.value"],
        ),
        ["start a", "run a", "start b", "run b", "start o", "run o", "finished {'out': 'HI'}"],
    ),
    "a branch that is not taken is skipped, and branches meet again": (
        flow(
            {
                "a": "test.text",
                "s": "test.switch",
                "l": "test.upper",
                "r": "test.upper",
                "o": OUT,
            },
            [
                "a.text > s.text",
                "s.left > l.text",
                "s.right > r.text",
                "l.text > o.value",
                "r.text > o.value",
            ],
        ),
        [
            "start a",
            "run a",
            "start s",
            "run s",
            'skip r: Nothing arrived at "text": "s.right" is not this branch.',
            "start l",
            "run l",
            "start o",
            "run o",
            "finished {'out': 'HI'}",
        ],
    ),
    "a list port takes what arrives, an optional one its default": (
        flow(
            {
                "a": "test.text",
                "s": ("test.switch", {"way": "right"}),
                "j": "test.join",
                "o": OUT,
            },
            [
                "a.text > s.text",
                "s.left > j.texts",
                "a.text > j.texts",
                "s.left > j.end",
                "j.text > o.value",
            ],
        ),
        [
            "start a",
            "run a",
            "start s",
            "run s",
            "start j",
            "run j",
            "start o",
            "run o",
            "finished {'out': 'hi.'}",
        ],
    ),
    "a disabled node skips what hangs on it alone": (
        flow(
            {"a": ("test.text", {}, {"disabled": True}), "b": "test.upper", "o": OUT},
            ["a.text > b.text", "b.text > o.value"],
        ),
        [
            "skip a: It is disabled.",
            'skip b: Nothing arrived at "text": "a" gave nothing (It is disabled).',
            'skip o: Nothing arrived at "value": "b" gave nothing (Nothing arrived at "text": '
            '"a" gave nothing (It is disabled)).',
            "finished {}",
        ],
    ),
    "a failure ends the run": (
        flow({"f": "test.fail", "o": OUT}, ["f.text > o.value"]),
        ["start f", "stream f.text void", "fail f [node/failed] no luck 1", "failed at f.text"],
    ),
    "a failure that is told to continue skips what depends on it": (
        flow(
            {
                "f": ("test.fail", {}, {"on_error": "continue"}),
                "a": "test.text",
                "u": "test.upper",
                "j": "test.join",
                "o": OUT,
            },
            ["f.text > u.text", "u.text > j.texts", "a.text > j.texts", "j.text > o.value"],
        ),
        [
            "start f",
            "stream f.text void",
            "fail f [node/failed] no luck 1",
            'skip u: Nothing arrived at "text": "f" gave nothing (it failed: no luck 1).',
            "start a",
            "run a",
            "start j",
            "run j",
            "start o",
            "run o",
            "finished {'out': 'hi.'}",
        ],
    ),
    "retries back off, then succeed": (
        flow(
            {"f": ("test.fail", {"times": 2}, {"retries": 3, "backoff_s": 0.01}), "o": OUT},
            ["f.text > o.value"],
        ),
        [
            "start f",
            "stream f.text void",
            "retry f in 0.01 s",
            "start f #2",
            "stream f.text void",
            "retry f in 0.02 s",
            "start f #3",
            "run f",
            "start o",
            "run o",
            "finished {'out': 'worked at try 3'}",
        ],
    ),
    "what cannot get better is not tried again": (
        flow(
            {"f": ("test.fail", {"how": "final"}, {"retries": 3, "backoff_s": 0}), "o": OUT},
            ["f.text > o.value"],
        ),
        ["start f", "stream f.text void", "fail f [node/failed] no luck 1", "failed at f.text"],
    ),
    "a node that takes too long": (
        flow(
            {"h": ("test.hang", {}, {"timeout_s": 0.05}), "o": OUT},
            ["h.text > o.value"],
        ),
        ["start h", "fail h [node/timeout] It took longer than 0.05 s.", "failed at h"],
    ),
    "a blocking node that takes too long": (
        flow(
            {"h": ("test.hang", {"how": "thread"}, {"timeout_s": 0.05}), "o": OUT},
            ["h.text > o.value"],
        ),
        ["start h", "fail h [node/timeout] It took longer than 0.05 s.", "failed at h"],
    ),
    "a node that raises": (
        flow({"f": ("test.fail", {"how": "raise"}), "o": OUT}, ["f.text > o.value"]),
        [
            "start f",
            "stream f.text void",
            "fail f [node/raised] ZeroDivisionError: division by zero",
            "failed at f",
        ],
    ),
    "a node that runs out of memory": (
        flow({"f": ("test.fail", {"how": "memory"}), "o": OUT}, ["f.text > o.value"]),
        [
            "start f",
            "stream f.text void",
            "fail f [node/memory] There is not enough memory.",
            "failed at f",
        ],
    ),
    "a node that meets a full disk": (
        flow({"f": ("test.fail", {"how": "disk"}), "o": OUT}, ["f.text > o.value"]),
        [
            "start f",
            "stream f.text void",
            "fail f [node/disk-full] The disk is full: [Errno 28] No space left on device.",
            "failed at f",
        ],
    ),
    "a node that cancels itself has failed": (
        flow({"f": ("test.fail", {"how": "cancel"}), "o": OUT}, ["f.text > o.value"]),
        ["start f", "stream f.text void", "fail f [node/raised] CancelledError: ", "failed at f"],
    ),
    "a wrong type": (
        flow({"w": "test.wrong", "o": OUT}, ["w.text > o.value"]),
        [
            "start w",
            'fail w [node/wrong-output] "w.text" gives text, but it was 1 document.',
            "failed at w.text",
        ],
    ),
    "an output that is not declared": (
        flow({"w": ("test.wrong", {"what": "name"}), "o": OUT}, ["w.text > o.value"]),
        [
            "start w",
            'fail w [node/wrong-output] It gave an output "surprise" that it does not declare.',
            "failed at w.surprise",
        ],
    ),
    "no ports at all": (
        flow({"w": ("test.wrong", {"what": "none"}), "o": OUT}, ["w.text > o.value"]),
        [
            "start w",
            "fail w [node/wrong-output] Wrong.run returned nothing, not Ports.",
            "failed at w",
        ],
    ),
}


@pytest.fixture(autouse=True)
def _fresh_counts() -> None:
    Fail.seen.clear()


@pytest.mark.parametrize("name", CASES)
async def test_what_happens(name: str) -> None:
    document, expected = CASES[name]
    assert words(await events_of(document)) == expected


async def test_siblings_overlap() -> None:
    """Three nodes that each wait for the other two: only possible side by side."""
    case: dict[str, Any] = {"parties": 3, "name": "siblings"}
    document = flow(
        {
            **dict.fromkeys("abc", ("test.rendezvous", case)),
            "j": "test.join",
            "o": OUT,
        },
        ["a.text > j.texts", "b.text > j.texts", "c.text > j.texts", "j.text > o.value"],
    )
    assert words(await events_of(document))[-1] == "finished {'out': 'met+met+met.'}"


async def test_no_barrier_between_levels() -> None:
    """A node deep in one branch meets one at the top of another: no level waits for its slowest."""
    case: dict[str, Any] = {"parties": 2, "name": "levels"}
    document = flow(
        {
            "slow": ("test.rendezvous", case),
            "a": "test.text",
            "s": "test.switch",
            "u": "test.upper",
            "deep": ("test.meet", case),
            "j": "test.join",
            "o": OUT,
        },
        [
            "a.text > s.text",
            "s.left > u.text",
            "u.text > deep.text",
            "slow.text > j.texts",
            "deep.text > j.texts",
            "j.text > o.value",
        ],
    )
    assert words(await events_of(document))[-1] == "finished {'out': 'met+met.'}"


async def test_only_runs_what_a_node_needs() -> None:
    document = flow(
        {"a": "test.text", "b": "test.upper", "c": "test.fail", "o": OUT},
        ["a.text > b.text", "b.text > c.text", "c.text > o.value"],
    )
    assert words(await events_of(document, only=["b"])) == [
        "start a", "run a", "start b", "run b", "finished {'b.text': 'HI'}",
    ]  # fmt: skip


async def test_only_needs_no_input_of_the_rest() -> None:
    document = flow(
        {"q": ("io.input", {"name": "question"}), "a": "test.text", "j": "test.join", "o": OUT},
        ["q.value > j.texts", "a.text > j.texts", "j.text > o.value"],
    )
    assert words(await events_of(document, only=["a"]))[-1] == "finished {'a.text': 'hi'}"


async def test_what_a_wire_promised_as_anything_is_looked_at_when_it_arrives() -> None:
    document = flow(
        {
            "a": "test.text",
            "m": ("logic.merge", {"carries": "any"}),
            "b": ("logic.branch", {"carries": "number", "test": ">", "operand": 1}),
            "o": OUT,
        },
        ["a.text > m.values", "m.value > b.value", "b.then > o.value"],
    )
    found = words(await events_of(document))
    assert 'fail b [node/wrong-input] "b.value" takes number, but text arrived.' in found


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


async def test_a_value_that_is_too_deep_is_told_to_the_person() -> None:
    """Not to the author of the node, whose mistake it is not."""

    class Deep(Text):
        """Give a value that nests deep."""

        kind = "test.deep"

        class Params(NodeParams):
            levels: int = 300

        class Outputs(Ports):
            value: JsonValue

        async def run(self, inputs: Any, params: Params, ctx: Context) -> Outputs:
            return self.Outputs(value=nested(params.levels))

    env = environment(catalog=CATALOG.extended([Deep]))
    for levels, deep in ((200, False), (201, True), (100_000, True)):
        document = flow({"d": ("test.deep", {"levels": levels}), "o": OUT}, ["d.value > o.value"])
        found = await events_of(document, env=env)
        if deep:
            problem = next(e.problem for e in found if isinstance(e, NodeFailed))
            assert problem.code == "node/too-deep"
            assert '"d.value" is a value nested deeper than 200 levels' in problem.message
            assert "author" not in problem.fix
        else:
            assert words(found)[-1].startswith("finished")


async def test_an_input_that_is_too_deep_is_refused_before_the_run() -> None:
    document = flow(
        {"q": ("io.input", {"name": "q", "kind": "json"}), "o": OUT}, ["q.value > o.value"]
    )
    with pytest.raises(FlowError, match='"q" is nested deeper than 200 levels'):
        await events_of(document, {"q": nested(5000)})
    with pytest.raises(FlowError, match="q"):
        await events_of(document, {"q": "[" * 100_000})
