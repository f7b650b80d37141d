"""The node `logic.loop`: another flow, again and again."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, JsonValue, model_validator

from patchbay.nodes.contract import (
    Context,
    Field,
    Node,
    NodeError,
    NodeParams,
    Ports,
    SubflowUse,
    kind_type,
    port,
)
from patchbay.nodes.logic.conditions import WITHOUT_OPERAND, Test, check_operand, holds
from patchbay.nodes.logic.plain import as_json
from patchbay.nodes.logic.pointer import MISSING, Pointer, look_up
from patchbay.nodes.names import FlowName, Name, is_name
from patchbay.nodes.values import Promptable, ValueKind

_OWN = ("rounds", "history")


def _check_until(name: str) -> str:
    if name and not is_name(name):
        raise ValueError(f"{name[:80]!r} is not the name of an output; use letters, digits and _")
    return name


class Loop(Node):
    """Run another saved flow again and again, each time with what the last round gave.

    What is carried goes into inputs of that flow and comes back from outputs of the same names; an
    output that a round leaves out keeps its value. The loop ends after the round in which the
    condition holds for the output `until`, and at the latest after `most` rounds. An output
    `until` that a round leaves out, as behind a *Branch*, counts as empty. Without one the flow
    runs `most` times.
    """

    kind, version = "logic.loop", 1
    title, family, icon = "Loop", "Logic", "cycle"
    front = ("flow", "most")
    synonyms = (
        "while", "until", "repeat", "again", "iterate", "cycle", "retry", "state", "refine",
        "loop back",
    )  # fmt: skip

    class Params(NodeParams):
        flow: FlowName = Field("", widget="flow")
        """The flow to run: the name of a flow file beside this one."""
        state: dict[Name, ValueKind] = Field({"text": "text"}, min_length=1, max_length=50)
        """What is carried from round to round, each with its type: an input and an output of that
        flow, and of this node."""
        extra: list[Name] = Field([], max_length=50)
        """Further inputs of that flow, which are the same in every round."""
        until: Annotated[str, AfterValidator(_check_until)] = Field("done")
        """The output of that flow that is looked at after each round. Empty: none."""
        test: Test = Field("is not empty")
        """When to stop: what has to hold for it."""
        operand: JsonValue = Field(None, widget="json")
        """What to compare with, where the test compares."""
        pointer: Pointer = Field("", max_length=1000)
        """The place inside it to look at, as a JSON pointer such as `/finished`."""
        most: int = Field(10, ge=1, le=1_000_000)
        """The most rounds."""
        at_most: Literal["go on", "fail"] = Field("go on")
        """What happens where the condition never held: `go on` with the last state and a warning,
        or `fail`."""
        keep_history: bool = Field(False)
        """Whether the output `history` lists the state after every round."""

        @model_validator(mode="after")
        def _makes_sense(self) -> Loop.Params:
            for name in [*self.state, *self.extra]:
                if name in _OWN:
                    raise ValueError(f"{name!r} is an output of every loop; choose another name")
            both = [name for name in self.extra if name in self.state]
            if both or len(set(self.extra)) < len(self.extra):
                raise ValueError("what is carried and the extra inputs need different names")
            compares = self.until and self.test not in WITHOUT_OPERAND
            if compares and (why := check_operand(self.test, self.operand)):
                raise ValueError(f"the operand does not fit: {why}")
            return self

    class Outputs(Ports):
        text: str = port(doc="What is carried, after the last round.")

    @classmethod
    def input_ports(cls, params: Params) -> type[Ports]:
        """What is carried as it begins, and what stays the same."""
        ports: dict[str, Any] = {
            name: (kind_type(kind), port(doc=f'"{name}" for the first round.'))
            for name, kind in params.state.items()
        }
        for name in params.extra:
            ports[name] = (Promptable, port(doc=f'Goes to the input "{name}" of every round.'))
        return Ports.of(ports)

    @classmethod
    def output_ports(cls, params: Params) -> type[Ports]:
        """What is carried as it ends, and how many rounds it took."""
        ports: dict[str, Any] = {
            name: (kind_type(kind), port(doc=f'"{name}" after the last round.'))
            for name, kind in params.state.items()
        }
        ports["rounds"] = (float, port(doc="How many rounds there were."))
        if params.keep_history:
            ports["history"] = (JsonValue, port(doc="What was carried after each round, as JSON."))
        return Ports.of(ports)

    @classmethod
    def subflows(cls, params: Params) -> tuple[SubflowUse, ...]:
        """The flow, with what it is given and what is taken."""
        asked = [*params.state, *([params.until] if params.until else [])]
        outputs = tuple(dict.fromkeys(asked))
        return (SubflowUse(params.flow, (*params.state, *params.extra), outputs),)

    @classmethod
    def summary(cls, params: Params) -> str:
        """The flow, and when it ends."""
        flow = params.flow or "no flow chosen"
        if not params.until:
            return f"{flow}, {params.most} times"
        operand = "" if params.test in WITHOUT_OPERAND else f" {params.operand!r}"
        place = f"{params.until}{params.pointer}"
        return f"{flow} until {place} {params.test}{operand}, at most {params.most}"

    async def run(self, inputs: Ports, params: Params, ctx: Context) -> Ports:
        """Go round until it is done."""
        given = inputs.as_dict()
        state = {name: given.pop(name) for name in params.state}
        history: list[JsonValue] = []
        rounds = 0

        def carried() -> Ports:
            more = {"history": history} if params.keep_history else {}
            return self.output_ports(params)(**state, **more, rounds=rounds)

        for number in range(1, params.most + 1):
            outputs = await ctx.run_flow(params.flow, {**given, **state}, label=str(number - 1))
            state |= {name: outputs[name] for name in state if name in outputs}
            if params.keep_history:
                history.append(_plain(state))
            rounds = number
            ctx.so_far(carried)
            await ctx.progress("rounds", number, params.most)
            if _is_over(outputs, params):
                break
        else:
            if params.until:
                await _never(params, ctx)
        return carried()


def _is_over(outputs: dict[str, Any], params: Loop.Params) -> bool:
    if not params.until:
        return False
    seen = look_up(outputs[params.until], params.pointer) if params.until in outputs else MISSING
    if seen is MISSING:
        return params.test == "is empty"
    try:
        return holds(params.test, seen, params.operand)
    except NodeError as error:
        raise NodeError(
            f'After a round, "{params.until}{params.pointer}": {error.message}',
            fix="Choose a test that fits that output, or another output.",
            code=error.code,
            retry=False,
        ) from error


async def _never(params: Loop.Params, ctx: Context) -> None:
    operand = "" if params.test in WITHOUT_OPERAND else f" {params.operand!r}"
    message = (
        f'After {params.most} rounds "{params.until}{params.pointer}" still does not pass the test '
        f"{params.test}{operand}."
    )
    if params.at_most == "go on":
        await ctx.warn(f"{message} The state of the last round is given.")
        return
    raise NodeError(
        message,
        fix="Raise `most`, or correct the condition.",
        code="loop/never-done",
        retry=False,
    )


def _plain(state: dict[str, Any]) -> JsonValue:
    return {name: as_json(value, f'"{name}"') for name, value in state.items()}
