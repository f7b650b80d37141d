"""The node `data.transform`: JSON made over by an expression."""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated, Any

from pydantic import AfterValidator, JsonValue, model_validator

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
from patchbay.nodes.names import Name
from patchbay.nodes.records.pick import plain
from patchbay.nodes.values import Promptable, ValueKind, as_text, type_in_words

VALUE = "value"
_TYPES = Promptable
_GIVES = ("text", "number", "json")


@lru_cache(maxsize=256)
def _parsed(expression: str) -> dict[str, Any]:
    """An expression, parsed.

    Raises:
        ValueError: it is not JMESPath; in words.
    """
    import jmespath
    from jmespath.exceptions import JMESPathError

    try:
        parsed: dict[str, Any] = jmespath.compile(expression).parsed
    except JMESPathError as error:
        words = " ".join(str(error).split())
        raise ValueError(f"is not a JMESPath expression: {words[:300]}") from None
    except RecursionError:
        raise ValueError("is nested too deeply") from None
    return parsed


def _check(expression: str) -> str:
    _parsed(expression)
    return expression


class Transform(Node):
    """Make JSON over: choose, filter, rename, sort and count by a JMESPath expression.

    `people[?age > `30`].{name: name, city: address.city}`, `sort_by(@, &price)[-1].name`,
    `length(items)`: see https://jmespath.org for the language. It has no loops, reads nothing but
    what is wired in, and is held to limits of time and size, so that a flow from elsewhere can do
    no harm. With further inputs the expression sees an object of `value` and each of them. A text
    is looked at as a text, whatever stands in it: have a model answer by a schema to get JSON.
    """

    kind, version = "data.transform", 1
    title, family, icon = "Transform", "Data", "code"
    synonyms = (
        "code", "script", "javascript", "python", "function", "jmespath", "expression", "map",
        "filter", "set", "edit fields", "query json", "jq", "custom code",
    )  # fmt: skip
    requires = ("jmespath",)

    class Params(NodeParams):
        expression: Annotated[str, AfterValidator(_check)] = Field(
            "@", min_length=1, max_length=10_000, widget="code"
        )
        """What to make of the value, in JMESPath."""
        inputs: list[Name] = Field([], max_length=20)
        """Further inputs."""
        gives: ValueKind = Field("json")
        """The type of the result on the wire: text, number or json."""
        seconds: float = Field(5, gt=0, le=600)
        """The longest that it may take."""

        @model_validator(mode="after")
        def _makes_sense(self) -> Transform.Params:
            if self.gives not in _GIVES:
                raise ValueError(f"an expression gives {', '.join(_GIVES)}, not {self.gives}")
            if VALUE in self.inputs or len(set(self.inputs)) < len(self.inputs):
                raise ValueError("the inputs need different names, and `value` is there already")
            return self

    class Inputs(Ports):
        value: _TYPES = port(doc="What the expression looks at.")

    class Outputs(Ports):
        result: JsonValue = port(doc="What the expression gives.")

    @classmethod
    def input_ports(cls, params: Params) -> type[Ports]:
        """The value, and what else the expression sees."""
        return cls.Inputs.plus(
            {
                name: (_TYPES, port(doc=f"What the expression sees as `{name}`."))
                for name in params.inputs
            }
        )

    @classmethod
    def output_ports(cls, params: Params) -> type[Ports]:
        """The result, of the type that was chosen."""
        about = port(doc="What the expression gives.")
        return Ports.of({"result": (kind_type(params.gives), about)})

    @classmethod
    def summary(cls, params: Params) -> str:
        """The expression."""
        return " ".join(params.expression.split())

    async def run(self, inputs: Ports, params: Params, ctx: Context) -> Ports:
        """Evaluate it, in a thread."""
        values = {name: plain(value) for name, value in inputs.as_dict().items()}
        seen: JsonValue = values if params.inputs else values[VALUE]
        result = await ctx.blocking(_evaluate, params, seen, ctx)
        return self.output_ports(params)(result=_given(result, params))


def _evaluate(params: Transform.Params, seen: JsonValue, ctx: Context) -> JsonValue:
    from jmespath.exceptions import JMESPathError

    from patchbay.nodes.records.jmes import LimitReached, evaluate

    try:
        result: JsonValue = evaluate(
            _parsed(params.expression), seen, params.seconds, lambda: ctx.cancelled.is_set()
        )
    except LimitReached as error:
        raise NodeError(
            f"The expression was stopped: {error}.",
            fix="Filter before you combine, or raise the limit of seconds.",
            code="transform/limit",
            retry=False,
        ) from error
    except JMESPathError as error:
        raise NodeError(
            f"The expression does not fit the value: {' '.join(str(error).split())[:300]}",
            fix="Look at the value that arrives, and correct the expression.",
            port=VALUE,
            code="transform/misfit",
            retry=False,
        ) from error
    return result


def _given(result: JsonValue, params: Transform.Params) -> Any:
    if params.gives == "json":
        return result
    if params.gives == "text" and result is not None:
        return as_text(result)
    if params.gives == "number" and type(result) in (int, float):
        return result
    found = "nothing (null)" if result is None else type_in_words(result)
    raise NodeError(
        f"The expression is to give a {params.gives}, but gives {found}.",
        fix="Correct the expression, or let it give json.",
        port="result",
        code="transform/type",
        retry=False,
    )
