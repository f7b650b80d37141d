"""The node `semantic_kernel.prompt`: a prompt function of Semantic Kernel."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator

from patchbay.nodes.agents.toolbox import check_names, open_tools
from patchbay.nodes.calls import CallOptions
from patchbay.nodes.contract import Context, Field, Node, NodeError, NodeParams, Ports, port
from patchbay.nodes.errors import node_error_in
from patchbay.nodes.models.asking import ask, say_if_empty
from patchbay.nodes.semantic_kernel.plugins import TOOLS, check_plugin, load_plugin
from patchbay.nodes.semantic_kernel.template import asked_for, check_template, protected
from patchbay.nodes.values import Message, ModelSpec, Promptable, ToolSpec, as_text

if TYPE_CHECKING:
    from semantic_kernel import Kernel

EXAMPLE = """\
<message role="system">You answer in one short sentence.</message>
<message role="user">Today is {{time.date}}. {{$question}}</message>
"""
_OWN = ("model", "tools")


class PromptFunction(Node):
    """Ask a model with a prompt in the template syntax of Semantic Kernel.

    `{{$name}}` becomes an input. `{{plugin.function $name}}` calls a function while the prompt is
    made: of the plugins `time`, `math` and `text`, of plugins that installed packages declare, or,
    as `{{tools.name}}`, a tool that is wired in. `<message role="system">` begins a message. Any
    other `<` is text, also where Semantic Kernel by itself would make one message of everything.
    What is filled in can never become a tag.
    """

    kind, version = "semantic_kernel.prompt", 1
    title, family, icon = "Prompt function", "Systems", "braces"
    synonyms = ("semantic kernel", "sk", "microsoft", "kernel function", "semantic function")
    requires = ("semantic_kernel",)

    class Params(NodeParams):
        template: Annotated[str, AfterValidator(check_template)] = Field(
            EXAMPLE, min_length=1, max_length=200_000, widget="textarea"
        )
        """The prompt, with {{$variables}} and {{plugin.function}} calls."""
        max_tokens: int | None = Field(None, ge=1, le=1_000_000)
        """The most tokens of the answer; empty for as the model says."""

    class Outputs(Ports):
        text: str = port(doc="What the model answers.")
        messages: list[Message] = port(doc="The prompt as it went to the model.")

    @classmethod
    def input_ports(cls, params: Params) -> type[Ports]:
        ports: dict[str, Any] = {"model": (ModelSpec, port(doc="Whom to ask."))}
        asked = asked_for(params.template)
        for name in asked.variables:
            if name not in _OWN and name.isidentifier():
                ports[name] = (Promptable, port(doc=f"What {{{{${name}}}}} stands for."))
        uses = any(plugin == TOOLS for plugin, _ in asked.functions)
        doc = f"Functions that the prompt calls as {{{{{TOOLS}.name}}}}."
        ports["tools"] = (list[ToolSpec], port([], doc=doc, hidden=not uses))
        return Ports.of(ports)

    @classmethod
    def summary(cls, params: Params) -> str:
        """The first line."""
        return next((line.strip() for line in params.template.splitlines() if line.strip()), "")

    @classmethod
    def repeatable(cls, params: Params, inputs: Ports) -> bool:
        """Whether the same would be answered: a model that repeats, and no function is called."""
        return not asked_for(params.template).functions and bool(inputs["model"].repeats())

    @classmethod
    def doubts(cls, params: Params, inputs: Ports) -> Sequence[str]:
        """None of its own.

        Raises:
            NodeError: a function is of a plugin that is not here, or a tool has not the name.
        """
        asked = asked_for(params.template)
        for name in asked.variables:
            if name in _OWN or not name.isidentifier():
                raise NodeError(
                    f"The variable ${name} cannot be an input of that name.",
                    fix="Give it another name.",
                    code="kernel/template",
                    retry=False,
                )
        for plugin, _ in asked.functions:
            if plugin != TOOLS:
                check_plugin(plugin)
        return ()

    async def run(self, inputs: Ports, params: Params, ctx: Context) -> Outputs:
        given = inputs.as_dict()
        check_names(given["tools"])
        asked = asked_for(params.template)
        sent: list[Message] = []
        answered: list[str] = []

        async def answers(history: Any, settings: Any) -> str:
            sent.extend(_message(one) for one in history.messages)
            call = CallOptions(max_tokens=params.max_tokens)
            answer = await ask(ctx, given["model"], sent, call)
            await say_if_empty(ctx, answer)
            answered.append(answer.text)
            return answered[-1]

        async with AsyncExitStack() as stack:
            tools = await open_tools(given["tools"], ctx, stack)
            plugins = {plugin for plugin, _ in asked.functions} - {TOOLS}
            kernel = await ctx.blocking(_kernel, answers, plugins, tools, ctx)
            values = {name: as_text(given[name]) for name in asked.variables}
            await _invoke(kernel, params.template, values)
        return self.Outputs(text=answered[-1], messages=sent)


def _kernel(answers: Any, plugins: set[str], tools: Mapping[str, Any], ctx: Context) -> Kernel:
    from semantic_kernel import Kernel

    from patchbay.nodes.semantic_kernel.service import as_function, service

    kernel = Kernel()
    kernel.add_service(service(answers))
    for name in sorted(plugins):
        kernel.add_plugin(load_plugin(name), plugin_name=name)

    async def call(name: str, arguments: Mapping[str, Any]) -> str:
        async def made(_asked: str) -> str:
            return str(await tools[name].ainvoke(dict(arguments)))

        asked = repr(sorted(arguments.items()))
        text = str(await ctx.once(f"call {name}", made, asked))
        ctx.step("tool result", text, tool=name)
        return text

    if tools:
        functions: list[Any] = [as_function(tool, TOOLS, call) for tool in tools.values()]
        kernel.add_functions(TOOLS, functions)
    return kernel


async def _invoke(kernel: Kernel, template: str, values: Mapping[str, str]) -> None:
    from semantic_kernel.functions import KernelArguments, KernelFunctionFromPrompt

    function = KernelFunctionFromPrompt(
        function_name="prompt", plugin_name="flow", prompt=protected(template)
    )
    try:
        given: dict[str, Any] = dict(values)
        result = function.invoke(kernel, KernelArguments(**given))
        if inspect.isawaitable(result):
            await result
    except Exception as error:
        raise failed(error) from error


def failed(error: BaseException) -> NodeError:
    """What went wrong inside Semantic Kernel: our own failure where it was one."""
    return node_error_in(error) or NodeError(
        f"Semantic Kernel failed: {error}",
        fix="Look at the functions that the prompt calls, and at their arguments.",
        code="kernel/failed",
        retry=False,
    )


def _message(said: Any) -> Message:
    role = str(getattr(said.role, "value", said.role))
    known = {"developer": "system"}.get(role, role)
    return Message.model_validate({"role": known, "content": str(said.content)})
