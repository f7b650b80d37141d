"""Tools that misbehave. They enter the catalog like any plugin."""

from __future__ import annotations

import time
from typing import Any, ClassVar, Literal

from patchbay.nodes.contract import DescribingNode, NodeParams, Ports, port
from patchbay.nodes.tools.tool import LocalTool, langchain_tool
from patchbay.nodes.values import Opening


class OddTool(LocalTool):
    """Raises, or never returns."""

    backend: ClassVar[str] = "odd"

    habit: Literal["raises", "hangs", "spins"]

    def open(self, opening: Opening) -> Any:
        def run(text: str) -> str:
            if self.habit == "raises":
                raise ZeroDivisionError("the tool broke")
            until = time.monotonic() + 30
            while time.monotonic() < until:
                if self.habit == "hangs":
                    time.sleep(0.02)
            return "too late"

        return langchain_tool(self, run, {"text": (str, "anything")})


class Odd(DescribingNode):
    """A tool that misbehaves, for tests of bad input."""

    kind, title, family = "test.odd_tool", "Odd tool", "Test"

    class Params(NodeParams):
        habit: Literal["raises", "hangs", "spins"] = "raises"
        seconds: float = 0.3

    class Outputs(Ports):
        tool: OddTool = port(doc="The tool.")

    @classmethod
    def describe(cls, params: Params, inputs: Ports) -> Outputs:
        described = {"name": "odd", "description": "Does something odd."}
        given = params.model_dump()
        if params.habit == "raises":  # on a busy machine it may take its time for that
            given["seconds"] = 240
        return cls.Outputs(tool=OddTool(**described, **given))
