"""A LangChain tool that takes arguments of any name."""

from __future__ import annotations

from typing import Any

from langchain_core.tools import StructuredTool


class AnyArguments(StructuredTool):
    """A tool whose function gets what the model gives, whatever it is called.

    Those who call LangChain's own keep `config`, `run_manager` and `self` for themselves
    (langchain-core 1.8.3): what a model says under the first two is lost without a word, and the
    third raises. Interfaces and servers of others have parameters of these names.
    """

    # The tool itself comes first, and by place only: its name is free for an argument.
    async def _arun(*args: Any, **given: Any) -> Any:
        """Call the function. A plain one is called in a thread, before LangChain comes here."""
        tool, *more = args
        return await tool.coroutine(*more, **given)

    def _run(*args: Any, **given: Any) -> Any:
        """Call the function."""
        tool, *more = args
        return tool.func(*more, **given)
