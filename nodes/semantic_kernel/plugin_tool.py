"""The node `tool.semantic_kernel`: functions of a Semantic Kernel plugin as tools for agents."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, ClassVar

from patchbay.nodes.contract import (
    Context,
    DescribingNode,
    Field,
    NodeError,
    NodeParams,
    Ports,
    port,
)
from patchbay.nodes.semantic_kernel.plugins import check_plugin, load_plugin
from patchbay.nodes.tools.tool import ToolKit, shortened

if TYPE_CHECKING:
    from langchain_core.tools import BaseTool


class KernelTools(ToolKit):
    """Functions of a plugin. `only` names those that are taken; empty for all."""

    backend: ClassVar[str] = "semantic_kernel"

    plugin: str
    only: tuple[str, ...] = ()
    seconds: float = 60.0

    async def open_all(self, ctx: Context, stack: AsyncExitStack) -> list[BaseTool]:
        """The functions of the plugin.

        Raises:
            NodeError: the plugin is not there, or lacks a function that is wanted.
        """
        plugin = await ctx.blocking(load_plugin, self.plugin)
        lacking = [name for name in self.only if name not in plugin.functions]
        if lacking:
            raise NodeError(
                f"The plugin {self.plugin!r} has no function {lacking[0]!r}; there are: "
                f"{', '.join(plugin.functions)}.",
                fix="Correct the list of functions.",
                code="kernel/plugin",
                retry=False,
            )
        wanted = self.only or tuple(plugin.functions)
        return [_tool(self.plugin, plugin.functions[name]) for name in wanted]


def _tool(plugin: str, function: Any) -> BaseTool:
    from pydantic import Field as Described
    from pydantic import create_model
    from semantic_kernel import Kernel
    from semantic_kernel.functions import KernelArguments

    from patchbay.nodes.tools.any_arguments import AnyArguments

    fields: dict[str, Any] = {
        one.name: (
            _hint(one),
            Described(
                ... if one.is_required else one.default_value, description=one.description or ""
            ),
        )
        for one in function.metadata.parameters
        if one.include_in_function_choices
    }

    async def use(**arguments: Any) -> str:
        given = {name: value for name, value in arguments.items() if value is not None}
        result = await function.invoke(Kernel(), KernelArguments(**given))
        return shortened(str(result))

    return AnyArguments(
        name=f"{plugin}_{function.name}".lower(),
        description=function.description or function.name,
        # Pydantic reads the arguments: "false" is false here, where Semantic Kernel takes any text
        # for true.
        args_schema=create_model(f"{plugin}_{function.name}", **fields),
        coroutine=use,
    )


def _hint(parameter: Any) -> Any:
    kinds = {"str": str, "int": int, "float": float, "bool": bool, "list": list, "dict": dict}
    name = str(parameter.type_ or "str").split("[")[0].split(",")[0].strip()
    hint = kinds.get(name, str)
    return hint if parameter.is_required else hint | None


class KernelPluginTool(DescribingNode):
    """Let an agent use the functions of a plugin of Semantic Kernel.

    `math`, `text` and `time` come with it. Other plugins come from installed packages, which
    declare them under the entry point `patchbay.semantic_kernel_plugins`; a flow names one of them,
    never a module. Checking a flow imports nothing.
    """

    kind, version = "tool.semantic_kernel", 1
    title, family, icon = "Kernel plugin", "Tools", "plug"
    synonyms = ("semantic kernel", "sk", "plugin", "skill", "native function", "microsoft")
    requires = ("semantic_kernel",)

    class Params(NodeParams):
        plugin: str = Field("math", min_length=1, max_length=200, pattern=r"^\w+$")
        """The declared name of the plugin."""
        only: list[str] = Field([], max_length=200)
        """The functions that are taken. Empty: all of them."""
        seconds: float = Field(60.0, gt=0, le=3600)
        """The longest that one call may take."""

    class Outputs(Ports):
        tool: KernelTools = port(doc="The functions, for an agent.")

    @classmethod
    def summary(cls, params: Params) -> str:
        """The plugin and its functions."""
        return f"{params.plugin}: {', '.join(params.only)}" if params.only else params.plugin

    @classmethod
    def describe(cls, params: Params, inputs: Ports) -> Outputs:
        """Describe the tools. Metadata of packages is read, nothing is imported.

        Raises:
            NodeError: no package declares the plugin.
        """
        check_plugin(params.plugin)
        return cls.Outputs(
            tool=KernelTools(plugin=params.plugin, only=tuple(params.only), seconds=params.seconds)
        )
