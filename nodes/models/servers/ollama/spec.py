"""The description of a chat model that an Ollama server runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field, JsonValue

from patchbay.nodes.models.servers.address import Address
from patchbay.nodes.values import ModelSpec, Opening, SecretRef

if TYPE_CHECKING:
    from patchbay.nodes.models.servers.chat import ServedChat

SAMPLING = ("temperature", "top_p", "max_tokens", "seed", "repeat_penalty")
"""Fields that travel with each call."""

_OLLAMA_NAMES = {"max_tokens": "num_predict"}
_OPTIONS = ("temperature", "top_p", "top_k", "seed", "max_tokens", "repeat_penalty", "stop")


class OllamaModel(ModelSpec):
    """A chat model behind an Ollama server.

    An empty `base_url` is the server of `OLLAMA_HOST`, or the one on this machine. `context` counts
    tokens of prompt and answer; None is what the server takes by default. `keep_alive` is how long
    the server keeps the model in memory after a request, such as `10m`. `options` are Ollama's own.
    """

    backend: ClassVar[str] = "ollama"

    model: str
    base_url: Address | None = None
    key: SecretRef | None = None
    pull: bool = False
    keep_alive: str | None = None
    context: int | None = Field(None, ge=256, le=1_048_576)
    options: dict[str, JsonValue] = {}
    parallel: int = Field(4, ge=1, le=1024)
    timeout_s: float = Field(300.0, gt=0)
    retries: int = Field(3, ge=0, le=10)

    temperature: float | None = Field(None, ge=0, le=5)
    top_p: float | None = Field(None, gt=0, le=1)
    max_tokens: int | None = Field(None, ge=1)
    seed: int | None = Field(None, ge=0, le=2**32 - 2)
    repeat_penalty: float | None = Field(None, gt=0, le=5)

    @property
    def slots(self) -> int:
        """Requests that are made at once; the server queues what it has no room for."""
        return self.parallel

    def memory(self) -> int:
        """Nothing here: the weights are in the server's memory."""
        return 0

    def resource(self) -> OllamaModel:
        """Without what travels with each call."""
        return self.model_copy(update=dict.fromkeys(SAMPLING))

    def call_options(
        self,
        *,
        temperature: float | None = None,
        seed: int | None = None,
        max_tokens: int | None = None,
        stop: Sequence[str] = (),
        json_schema: Mapping[str, JsonValue] | None = None,
    ) -> dict[str, Any]:
        """The call's options over this description's own sampling defaults."""
        options = super().call_options(
            temperature=self.temperature if temperature is None else temperature,
            seed=self.seed if seed is None else seed,
            max_tokens=self.max_tokens if max_tokens is None else max_tokens,
            stop=stop,
            json_schema=json_schema,
        )
        own = {"top_p": self.top_p, "repeat_penalty": self.repeat_penalty}
        return options | {key: value for key, value in own.items() if value is not None}

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
    made = {k: v for k, v in call.items() if v is not None and k not in (*_OPTIONS, "options")}
    chosen = {_OLLAMA_NAMES.get(k, k): call[k] for k in _OPTIONS if call.get(k) is not None}
    if context is not None:
        chosen = {"num_ctx": context, **chosen}
    wanted = made.pop("response_format", None)
    if wanted is not None:
        made["format"] = wanted.get("json_schema", {}).get("schema", "json")
    return {**made, "options": {**options, **chosen, **call.get("options", {})}}


def translator(spec: OllamaModel) -> partial[dict[str, Any]]:
    """`translated` for one description."""
    return partial(translated, options=spec.options, context=spec.context)
