"""The node `logic.branch`: one of two ways."""

from __future__ import annotations

from typing import Any

from pydantic import JsonValue, model_validator

from patchbay.nodes.contract import (
    Context,
    Field,
    Node,
    NodeError,
    NodeParams,
    Ports,
    kind_type,
    port,
)
from patchbay.nodes.logic.conditions import (
    LENGTH,
    NUMERIC,
    TEXTUAL,
    WITHOUT_OPERAND,
    Test,
    check_operand,
    holds,
)
from patchbay.nodes.logic.pointer import MISSING, Pointer, look_up
from patchbay.nodes.values import ValueKind


class Branch(Node):
    """Send a value one of two ways: `then` when a condition holds, `otherwise` when it does not.

    What hangs on the other way alone is skipped. The two ways may meet again in a *Merge*. The
    condition is one of a fixed list of tests; no expression is ever evaluated. Length is counted
    in characters for text, in items for a JSON list. Documents and messages are looked at as text.
    """

    kind, version = "logic.branch", 1
    title, family, icon = "Branch", "Logic", "branch"
    front = ("test", "operand")
    synonyms = ("if", "else", "condition", "if else", "router", "decide", "route")

    class Params(NodeParams):
        carries: ValueKind = Field("text")
        """The type of the value that is sent on."""
        test: Test = Field("is not empty")
        """What is looked at."""
        operand: JsonValue = Field(None, widget="json")
        """What to compare with; without one it comes from the input `compare`.

        A text or a number; a list for `is one of`; [low, high] for `between`.
        """
        case_sensitive: bool = Field(False)
        """Whether `A` and `a` differ."""
        pointer: Pointer = Field("", max_length=1000)
        """The place inside a JSON value to look at, as a JSON pointer such as `/items/0/name`."""

        @model_validator(mode="after")
        def _makes_sense(self) -> Branch.Params:
            if self.operand is not None and (why := check_operand(self.test, self.operand)):
                raise ValueError(f"the operand does not fit: {why}")
            if self.pointer and self.carries not in ("json", "any"):
                raise ValueError(
                    f"a pointer looks into JSON, but the branch carries {self.carries}"
                )
            if why := _unfit(self.test, self.carries):
                raise ValueError(why)
            return self

    class Inputs(Ports):
        value: str = port(doc="The value that is looked at and sent on.")

    class Outputs(Ports):
        then: str = port(doc="The value, when the condition holds.")
        otherwise: str = port(doc="The value, when it does not.")

    @classmethod
    def input_ports(cls, params: Params) -> type[Ports]:
        value = port(doc="The value that is looked at and sent on.")
        ports: dict[str, Any] = {"value": (kind_type(params.carries), value)}
        if params.test not in WITHOUT_OPERAND:
            doc = "What to compare with; goes before the operand in the params."
            if params.operand is None:
                ports["compare"] = (str | float | JsonValue, port(doc=doc))
            else:
                ports["compare"] = (str | float | JsonValue | None, port(doc=doc))
        return Ports.of(ports)

    @classmethod
    def output_ports(cls, params: Params) -> type[Ports]:
        carried = kind_type(params.carries)
        return cls.Outputs.retyped(then=carried, otherwise=carried)

    @classmethod
    def exclusive_outputs(cls, params: Params) -> tuple[str, ...]:
        return ("then", "otherwise")

    @classmethod
    def summary(cls, params: Params) -> str:
        place = f"{params.pointer} " if params.pointer else ""
        operand = "" if params.operand is None else f" {params.operand!r}"
        return f"{place}{params.test}{operand}"

    async def run(self, inputs: Ports, params: Params, ctx: Context) -> Ports:
        wired = inputs.as_dict()
        value, operand = wired["value"], wired.get("compare")
        seen = look_up(value, params.pointer)
        if seen is MISSING and params.test not in WITHOUT_OPERAND:
            raise _nowhere(value, params.pointer)
        held = holds(
            params.test,
            seen,
            params.operand if operand is None else operand,
            case_sensitive=params.case_sensitive,
        )
        return self.output_ports(params)(**{"then" if held else "otherwise": value})


def _unfit(test: Test, carries: ValueKind) -> str:
    if carries in ("text", "messages", "documents") and (test in NUMERIC or test == "between"):
        return f'"{test}" looks at a number, but the branch carries {carries}'
    if carries == "number" and (test in TEXTUAL or test in LENGTH or test in WITHOUT_OPERAND):
        return f'"{test}" cannot look at a number, which the branch carries'
    if test == "has key" and carries not in ("json", "any"):
        return f'"has key" looks at JSON, but the branch carries {carries}'
    return ""


def _nowhere(value: Any, pointer: str) -> NodeError:
    keys = ", ".join(list(value)[:10]) if isinstance(value, dict) else ""
    return NodeError(
        f"There is nothing at {pointer} in the value."
        + (f" Its keys are: {keys}." if keys else ""),
        fix="Correct the pointer, or test with `is empty` first.",
        port="value",
        code="branch/no-such-place",
        retry=False,
    )
