"""The description of a chat model that an Ollama server runs."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field, JsonValue

from patchbay.nodes.calls import NUMBERS, CallOptions
from patchbay.nodes.models.options import EngineSampling, ServedModel, Thinks
from patchbay.nodes.models.servers.address import Address
from patchbay.nodes.models.thinking import THINKING, no_thinking
from patchbay.nodes.values import Opening

if TYPE_CHECKING:
    from patchbay.nodes.models.servers.chat import ServedChat

THINK = "think"
"""The option of a call that says whether the model is to think, as Ollama's API names it."""

_OTHERWISE = {"max_tokens": "num_predict"}
"""Options that have another name there."""


class OllamaModel(EngineSampling, Thinks, ServedModel):
    """A chat model behind an Ollama server.

    An empty `base_url` is the server of `OLLAMA_HOST`, or the one on this machine. `context` counts
    tokens of prompt and answer; None is what the server takes by default. `keep_alive` is how long
    the server keeps the model in memory after a request, such as `10m`. `options` are Ollama's own.
    """

    backend: ClassVar[str] = "ollama"

    model: str
    base_url: Address | None = None
    pull: bool = False
    keep_alive: str | None = None
    context: int | None = Field(None, ge=256, le=1_048_576)
    options: dict[str, JsonValue] = {}
    parallel: int = Field(4, ge=1, le=1024)

    def words(self, call: CallOptions) -> dict[str, Any]:
        """The call, with Ollama's word for thinking."""
        options = super().words(call)
        thinking = options.pop(THINKING, None)
        if isinstance(thinking, int):
            raise no_thinking(self.model, "Ollama knows no limit of tokens for it")
        if thinking is not None:
            options[THINK] = {"off": False, "on": True}.get(thinking, thinking)
        return options

    def open(self, opening: Opening) -> ServedChat:
        """Find the server, make sure that it has the model, make a client.

        Raises:
            NodeError: no server answers, or it has no such model and none may be fetched.
        """
        from patchbay.nodes.models.servers.ollama.client import open_chat

        return open_chat(self, opening)


def translated(
    call: Mapping[str, Any], options: Mapping[str, JsonValue], context: int | None
) -> dict[str, Any]:
    """A call's options as `ChatOllama` takes them: most of them inside `options`."""
    inside = (*NUMBERS, "stop")
    made = {k: v for k, v in call.items() if v is not None and k not in (*inside, "options")}
    chosen = {_OTHERWISE.get(k, k): call[k] for k in inside if call.get(k) is not None}
    if context is not None:
        chosen = {"num_ctx": context, **chosen}
    wanted = made.pop("response_format", None)
    if wanted is not None:
        made["format"] = wanted.get("json_schema", {}).get("schema", "json")
    return {**made, "options": {**options, **chosen, **call.get("options", {})}}


def translator(spec: OllamaModel) -> partial[dict[str, Any]]:
    """`translated` for one description."""
    return partial(translated, options=spec.options, context=spec.context)
