"""A LangChain tool that takes arguments of any name, and only those that it has."""

from __future__ import annotations

from typing import Any

from langchain_core.tools import StructuredTool
from pydantic import BaseModel


class AnyArguments(StructuredTool):
    """A tool whose function gets what the model gives, whatever it is called.

    Those who call LangChain's own keep `config`, `run_manager` and `self` for themselves
    (langchain-core 1.8.3): what a model says under the first two is lost without a word, and the
    third raises. Interfaces and servers of others have parameters of these names. And a tool
    without arguments is called there whatever a model gives it, even where its schema forbids that.
    """

    def _to_args_and_kwargs(
        self, tool_input: str | dict[str, Any], tool_call_id: str | None
    ) -> tuple[tuple[str, ...], dict[str, Any]]:
        places, names = super()._to_args_and_kwargs(tool_input, tool_call_id)
        wanted = self.args_schema
        if not names and isinstance(wanted, type) and issubclass(wanted, BaseModel):
            wanted.model_validate(tool_input)
        return places, names

    # The tool itself comes first, and by place only: its name is free for an argument.
    async def _arun(*args: Any, **given: Any) -> Any:
        """Call the function. A plain one is called in a thread, before LangChain comes here."""
        tool, *more = args
        return await tool.coroutine(*more, **given)

    def _run(*args: Any, **given: Any) -> Any:
        """Call the function."""
        tool, *more = args
        return tool.func(*more, **given)
