"""The node `tool.python_function`: a function that an installed package declares."""

from __future__ import annotations

import inspect
from typing import Any

from pydantic import JsonValue, field_validator, model_validator

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
from patchbay.nodes.tools.functions import load, package_of
from patchbay.nodes.values import KIND_TYPES, Promptable, ValueKind, is_json, type_in_words


class PythonFunction(Node):
    """Call a Python function that an installed package declares for flows, by its declared name.

    Packages declare functions under the entry point `patchbay.functions`. A flow names one of them,
    never a module or a path, and holds no code: what can be called is what you have installed.
    Checking a flow imports nothing. Inputs go to the function by name; it may be async.
    """

    kind, version = "tool.python_function", 1
    title, family, icon = "Python function", "Tools", "code"
    synonyms = (
        "code", "custom function", "python", "script", "custom component", "function node",
        "execute", "custom code",
    )  # fmt: skip
    deterministic = False

    class Params(NodeParams):
        function: str = Field("", max_length=200)
        """The declared name of the function."""
        inputs: dict[Name, ValueKind] = Field({"text": "text"}, max_length=50)
        """The arguments, each with its type."""
        gives: ValueKind = Field("json")
        """The type of what it returns."""
        repeats: bool = Field(False)
        """Whether equal arguments always give the same, so that a result may be used again."""

        @field_validator("function")
        @classmethod
        def _is_a_name(cls, name: str) -> str:
            if any(char in name for char in ":/\\") or name.startswith("."):
                raise ValueError(
                    f"{name[:80]!r} looks like a module or a path; name a function that a package "
                    "declares under patchbay.functions"
                )
            return name.strip()

        @model_validator(mode="after")
        def _gives_a_value(self) -> PythonFunction.Params:
            if self.gives not in KIND_TYPES:
                raise ValueError(f"{self.gives!r} is no type of a wire")
            return self

    class Outputs(Ports):
        result: JsonValue = port(doc="What the function returns.")

    @classmethod
    def input_ports(cls, params: Params) -> type[Ports]:
        """A port for each argument."""
        ports: dict[str, Any] = {
            name: (
                Promptable if kind == "any" else kind_type(kind),
                port(doc=f"The argument {name}."),
            )
            for name, kind in params.inputs.items()
        }
        return Ports.of(ports)

    @classmethod
    def output_ports(cls, params: Params) -> type[Ports]:
        """What the function returns, of the type that was chosen."""
        return Ports.of(
            {"result": (kind_type(params.gives), port(doc="What the function returns."))}
        )

    @classmethod
    def repeatable(cls, params: Params, inputs: Ports) -> bool:
        """Whether you say that it gives the same again."""
        return params.repeats

    @classmethod
    def doubts(cls, params: Params, inputs: Ports) -> list[str]:
        """Whether a package declares it. Metadata is read, nothing is imported.

        Raises:
            NodeError: no function is named, or none is declared so.
        """
        if not params.function:
            raise NodeError(
                "No function is named.",
                fix="Fill in the param `function`.",
                param="function",
                code="function/unknown",
                retry=False,
            )
        package_of(params.function)
        return []

    @classmethod
    def summary(cls, params: Params) -> str:
        """The function and its arguments."""
        return f"{params.function or 'no function named'}({', '.join(params.inputs)})"

    async def run(self, inputs: Ports, params: Params, ctx: Context) -> Ports:
        """Call it; in a thread unless it is async."""
        function = await ctx.blocking(load, params.function)
        values = inputs.as_dict()
        try:
            inspect.signature(function).bind(**values)
        except TypeError as error:
            raise _failed(params, f"does not take these arguments: {error}", "type") from error
        except ValueError:  # a function of C may have no signature to look at
            pass
        try:
            if inspect.iscoroutinefunction(function):
                result = await function(**values)
            else:
                result = await ctx.blocking(function, **values)
        except NodeError:
            raise
        except Exception as error:
            why = f"failed: {type(error).__name__}: {error}"
            raise _failed(params, why, "failed") from error
        ports = self.output_ports(params)
        fits = ports.declared["result"].type.accepts(result)
        if not fits or (params.gives in ("json", "any") and not _travels(result)):
            raise _failed(
                params, f"is to give {params.gives}, but gives {type_in_words(result)}", "type"
            )
        return ports(result=result)


def _travels(result: Any) -> bool:
    from patchbay.nodes.values import Value

    items = result if isinstance(result, list) else [result]
    return is_json(result) or all(isinstance(item, Value) for item in items)


def _failed(params: PythonFunction.Params, why: str, what: str) -> NodeError:
    codes = {"type": "function/type", "failed": "function/failed"}
    return NodeError(
        f"The function {params.function!r} {why}.",
        fix="Correct the inputs, the type that it gives, or the function.",
        code=codes[what],
        retry=what == "failed",
    )
