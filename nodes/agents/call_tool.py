"""The node `tool.call`: a tool as a step."""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack, suppress
from typing import Annotated, Any

from pydantic import AfterValidator, JsonValue

from patchbay.nodes.agents.decisions import schema_of
from patchbay.nodes.agents.toolbox import open_tools, time_limits
from patchbay.nodes.contract import Context, Field, Node, NodeError, NodeParams, Ports, port
from patchbay.nodes.prompts.braces import variables
from patchbay.nodes.prompts.json_template import fill_json, json_texts
from patchbay.nodes.tools.ask_first import AskFirstTool, asks_about, question_before
from patchbay.nodes.tools.asked import unfit
from patchbay.nodes.units import duration
from patchbay.nodes.values import Promptable, ToolSpec, as_text, has_half, is_json


def _check_arguments(arguments: dict[str, JsonValue]) -> dict[str, JsonValue]:
    names = [name for text in json_texts(arguments) for name in variables(text)]
    if "tool" in names:
        raise ValueError("{tool} is the name of a port; call the variable otherwise")
    return arguments


class CallTool(Node):
    """Call a tool as a step of the flow, with arguments that you write instead of a model.

    Any tool that an agent takes. Texts of the arguments may hold {variables}, each of which becomes
    an input; a text that is one variable and no more becomes the value itself. `json` is left out
    where the result is no JSON.
    """

    kind, version = "tool.call", 1
    title, family, icon = "Call a tool", "Tools", "tool"
    synonyms = (
        "tool node", "use tool", "run tool", "execute tool", "function call", "invoke", "action",
    )  # fmt: skip
    requires = ("langchain_core",)
    deterministic = False

    class Params(NodeParams):
        arguments: Annotated[dict[str, JsonValue], AfterValidator(_check_arguments)] = Field(
            {"expression": "{expression}"}, widget="json"
        )
        """What the tool is called with, by name."""

    class Inputs(Ports):
        tool: ToolSpec = port(doc="The tool.")

    class Outputs(Ports):
        text: str = port(doc="What the tool gives, as text.")
        json: JsonValue = port(doc="The same as JSON, where it is JSON.")

    @classmethod
    def input_ports(cls, params: Params) -> type[Ports]:
        """The tool, and a port for each variable."""
        return cls.Inputs.plus(
            {
                name: (Promptable, port(doc=f"What {{{name}}} stands for."))
                for text in json_texts(params.arguments)
                for name in variables(text)
            }
        )

    @classmethod
    def repeatable(cls, params: Params, inputs: Ports) -> bool:
        """Whether the tool gives the same for the same."""
        return bool(getattr(inputs["tool"], "repeatable", False))

    @classmethod
    def summary(cls, params: Params) -> str:
        """The arguments."""
        return ", ".join(f"{name}: {as_text(value)}" for name, value in params.arguments.items())

    async def run(self, inputs: Ports, params: Params, ctx: Context) -> Outputs:
        """Call it."""
        values = inputs.as_dict()
        spec: ToolSpec = values.pop("tool")
        arguments: Any = fill_json(params.arguments, values)
        async with AsyncExitStack() as stack:
            policies: dict[str, AskFirstTool] = {}
            tool = _only(await open_tools([spec], ctx, stack, policies))
            seconds = time_limits([spec]).get(tool.name, getattr(spec, "seconds", None))

            async def made(name: str, given: JsonValue) -> Any:
                return await _called(tool, given, seconds)

            policy = policies.get(tool.name)
            if policy is not None and asks_about(policy, arguments):
                decided, arguments = await _asked(policy, tool, arguments, ctx)
                if decided is not None:
                    return self.Outputs(**_given(decided))
            result = await ctx.once("Call a tool", made, tool.name, arguments)
        return self.Outputs(**_given(result))


def _given(result: Any) -> dict[str, Any]:
    text = result if isinstance(result, str) else as_text(result)
    given: dict[str, Any] = {"text": text}
    with suppress(ValueError, RecursionError):
        found = json.loads(text) if isinstance(result, str) else result
        if is_json(found) and not has_half(found):  # NaN, say, or what nests without end
            given["json"] = found
    return given


async def _asked(
    policy: AskFirstTool, tool: Any, arguments: Any, ctx: Context
) -> tuple[str | None, Any]:
    """What a person answers in the tool's place, or None and the arguments that it is called with.

    Raises:
        NodeError: the person rejects the call.
    """
    answer = await ctx.ask(
        question_before(policy, "this flow", tool.name, arguments, schema_of(tool))
    )
    match answer.value["decision"]:
        case "respond":
            return str(answer.value["message"]), arguments
        case "reject":
            why = answer.value.get("message") or answer.comment
            raise NodeError(
                f'A person rejected the call of "{tool.name}".'
                + (f" The reason: {why}" if why else ""),
                code="tool/rejected",
                retry=False,
            )
        case "edit":
            return None, answer.value["arguments"]
    return None, arguments


def _only(tools: dict[str, Any]) -> Any:
    """The one tool behind a wire.

    Raises:
        NodeError: there are several, or none.
    """
    if len(tools) == 1:
        return next(iter(tools.values()))
    raise NodeError(
        f"{len(tools)} tools are wired in, and one is called: {', '.join(tools) or 'none'}.",
        fix="List the one that you mean in the node of the tools.",
        port="tool",
        code="tool/failed",
        retry=False,
    )


async def _called(tool: Any, arguments: Any, seconds: float | None) -> Any:
    """What the tool gives.

    Raises:
        NodeError: it failed, does not take the arguments, or took too long; in its own words.
    """
    from pydantic import ValidationError

    try:
        async with asyncio.timeout(seconds):
            return await tool.ainvoke(arguments)
    except TimeoutError as error:
        raise _failed(tool, f"took longer than {duration(seconds)}", "Raise its limit.") from error
    except NodeError:
        raise
    except ValidationError as error:
        there = ", ".join(tool.args) or "none"
        fix = f"Its arguments are: {there}."
        raise _failed(tool, f"does not take these arguments: {unfit(error)}", fix) from error
    except Exception as error:
        raise _failed(tool, f"failed: {error}", "") from error


def _failed(tool: Any, why: str, fix: str) -> NodeError:
    return NodeError(
        f'The tool "{tool.name}" {why}', fix=fix, port="tool", code="tool/failed", retry=False
    )
