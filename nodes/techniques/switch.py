"""The node `logic.switch`: one of many ways."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, JsonValue, model_validator
from pydantic import Field as Bounded

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
from patchbay.nodes.logic.conditions import WITHOUT_OPERAND, Test, check_operand, holds
from patchbay.nodes.logic.pointer import MISSING, Pointer, look_up
from patchbay.nodes.names import Name
from patchbay.nodes.techniques.routes import choose
from patchbay.nodes.values import Document, Message, ModelSpec, ValueKind, as_text

OTHERWISE = "otherwise"
_TAKEN = (OTHERWISE, "route")


class SwitchCase(BaseModel):
    """One way: the name of its port, and when it is taken."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name
    """The way, and the name of its port."""
    test: Test = "equals"
    """What is looked at, where the way is decided by conditions."""
    operand: JsonValue = None
    """What to compare with: text, a number, JSON; a list for `is one of`, [low, high] for
    `between`."""
    about: str = Bounded("", max_length=2000)
    """When to go this way, in words for the model that chooses."""


class Switch(Node):
    """Send a value one of many ways: the first case that holds, or `otherwise` where none does.

    What decides may be another value than the one that is sent on: wire it into `decide`. Cases
    compare texts, numbers and JSON by the tests of *Branch*, side by side; a case that cannot look
    at what arrives does not hold. Or a model chooses among the ways, by their names and what is
    said about them. `route` gives the name of the way. Ways may meet again in a *Merge*.
    """

    kind, version = "logic.switch", 1
    title, family, icon = "Switch", "Logic", "fork"
    front = "by"
    synonyms = (
        "if", "else", "case", "condition", "router", "route", "conditional router", "decide",
        "intent", "classify", "condition agent", "select",
    )  # fmt: skip

    class Params(NodeParams):
        by: Literal["conditions", "model"] = Field("conditions")
        """`conditions`: the first case whose test holds. `model`: a chat model chooses a case."""
        cases: list[SwitchCase] = Field(
            [SwitchCase(name="yes", operand="yes"), SwitchCase(name="no", operand="no")],
            min_length=1,
            max_length=50,
        )
        """The ways, in the order in which they are looked at."""
        carries: ValueKind = Field("text")
        """The type of the value that is sent on."""
        decides: ValueKind = Field("any")
        """The type of the value that decides, where one is wired into `decide`."""
        pointer: Pointer = Field("", max_length=1000)
        """The place inside what decides to look at, as a JSON pointer such as `/kind`."""
        case_sensitive: bool = Field(False)
        """Whether `A` and `a` differ."""
        instructions: str = Field("", max_length=20_000, widget="textarea")
        """What else the model is told that chooses."""
        none_fits: bool = Field(True)
        """Whether the model may also say that no way fits, which is `otherwise`."""

        @model_validator(mode="after")
        def _makes_sense(self) -> Switch.Params:
            names = [case.name for case in self.cases]
            for name in names:
                if names.count(name) > 1:
                    raise ValueError(f"two cases are named {name!r}; each needs a name of its own")
                if name in _TAKEN:
                    raise ValueError(f"{name!r} is a port of every switch; name the case otherwise")
            for case in self.cases if self.by == "conditions" else ():
                if case.test not in WITHOUT_OPERAND and (
                    why := check_operand(case.test, case.operand)
                ):
                    raise ValueError(f"the operand of the case {case.name!r} does not fit: {why}")
            return self

    class Inputs(Ports):
        value: str = port(doc="The value that is sent on.")
        decide: Any = port(None, doc="What decides; the value itself where nothing is wired.")

    class Outputs(Ports):
        yes: str = port(doc="The value, when this way is taken.")

    @classmethod
    def input_ports(cls, params: Params) -> type[Ports]:
        """The value, what decides, and the model where one chooses."""
        about = cls.Inputs.declared
        ports: dict[str, Any] = {
            "value": (kind_type(params.carries), port(doc=about["value"].doc)),
            "decide": (kind_type(params.decides) | None if params.decides != "any" else Any,
                       port(None, doc=about["decide"].doc)),
        }  # fmt: skip
        if params.by == "model":
            ports["model"] = (ModelSpec, port(doc="The model that chooses."))
        return Ports.of(ports)

    @classmethod
    def output_ports(cls, params: Params) -> type[Ports]:
        """A port for each case, one where none holds, and the name of the way."""
        carried = kind_type(params.carries)
        ways: dict[str, Any] = {
            case.name: (carried, port(doc=case.about or "The value, when this way is taken."))
            for case in params.cases
        }
        ways[OTHERWISE] = (carried, port(doc="The value, when no case holds."))
        return Ports.of({**ways, "route": (str, port(doc="The name of the way that is taken."))})

    @classmethod
    def exclusive_outputs(cls, params: Params) -> tuple[str, ...]:
        """All ways; `route` is always given."""
        return (*(case.name for case in params.cases), OTHERWISE)

    @classmethod
    def repeatable(cls, params: Params, inputs: Ports) -> bool:
        """Whether the same way would be taken again."""
        from patchbay.nodes.techniques.routes import CHOOSING

        return params.by == "conditions" or bool(inputs["model"].repeats(CHOOSING))

    @classmethod
    def summary(cls, params: Params) -> str:
        """The ways."""
        by = (
            "a model chooses: "
            if params.by == "model"
            else params.pointer and f"{params.pointer}: "
        )
        return f"{by}{' / '.join(case.name for case in params.cases)}"

    async def run(self, inputs: Ports, params: Params, ctx: Context) -> Ports:
        """Decide, and send on."""
        values = inputs.as_dict()
        value, decide = values["value"], values.get("decide")
        seen = look_up(value if decide is None else decide, params.pointer)
        if params.by == "model":
            way = await choose(ctx, values["model"], _words(seen, params), _labels(params), params)
        else:
            way, blind = _first(seen, params)
            if way == OTHERWISE and blind:
                await ctx.warn(
                    f"No case holds. {_listed(blind)} could not look at what arrived: "
                    f"{as_text(seen)[:80] if seen is not MISSING else 'nothing at that place'}."
                )
        return self.output_ports(params)(**{way: value}, route=way)


def _first(seen: Any, params: Switch.Params) -> tuple[str, list[str]]:
    """The name of the first case that holds, and of those that could not look at the value."""
    blind: list[str] = []
    for case in params.cases:
        if seen is MISSING and case.test not in WITHOUT_OPERAND:
            blind.append(case.name)
            continue
        try:
            held = holds(case.test, seen, case.operand, case_sensitive=params.case_sensitive)
        except NodeError:  # a number beside texts: this case is about something else
            blind.append(case.name)
            continue
        if held:
            return case.name, blind
    return OTHERWISE, blind


def _words(seen: Any, params: Switch.Params) -> str:
    """What the model decides by, as text.

    Raises:
        NodeError: there is nothing.
    """
    text = "" if seen is MISSING else as_text(_plain(seen))
    if text.strip():
        return text
    raise NodeError(
        "There is nothing for the model to choose by.",
        fix="Correct the pointer." if params.pointer else "Wire a text that says something.",
        port="decide",
        code="switch/nothing",
        retry=False,
    )


def _plain(seen: Any) -> Any:
    if isinstance(seen, Sequence) and seen and isinstance(seen[0], Message):
        return seen[-1].content
    if isinstance(seen, Sequence) and seen and isinstance(seen[0], Document):
        return "\n\n".join(document.text for document in seen)
    return seen


def _labels(params: Switch.Params) -> dict[str, str]:
    """The ways a model may choose, each with what is said about it."""
    return dict(_pairs(params))


def _pairs(params: Switch.Params) -> Iterator[tuple[str, str]]:
    for case in params.cases:
        yield case.name, case.about
    if params.none_fits:
        yield OTHERWISE, "none of the others fits"


def _listed(names: Sequence[str]) -> str:
    quoted = [f'"{name}"' for name in names]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} and {quoted[-1]}"
