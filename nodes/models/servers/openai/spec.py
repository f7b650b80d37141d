"""The description of a chat model behind a server that speaks OpenAI's protocol."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import JsonValue

from patchbay.nodes.calls import CallOptions
from patchbay.nodes.models.options import Extra, ServedModel, ServerSampling, Thinks
from patchbay.nodes.models.servers.address import Address
from patchbay.nodes.models.thinking import EFFORTS, THINKING, effort_of, template_words
from patchbay.nodes.values import Opening

if TYPE_CHECKING:
    from patchbay.nodes.models.servers.chat import ServedChat

SchemaWord = Literal["response_format", "structured_outputs", "guided_json"]
"""How a server is told the JSON schema of an answer: OpenAI's way, or vLLM's own, new or old."""

SCHEMA_WORDS = ("response_format", "structured_outputs")
"""Those that are still understood."""

START = (
    "Start one, such as `llama-server -m model.gguf --port 8080` or `vllm serve MODEL`, "
    "or change the address."
)


class OpenAiModel(ServerSampling, Thinks, Extra, ServedModel):
    """A chat model behind an OpenAI-compatible server: vLLM, SGLang, llama-server, LM Studio, ….

    `model` may be empty where the server has one model only. `extra` goes into the body of every
    request.
    """

    backend: ClassVar[str] = "openai"

    base_url: Address
    model: str = ""
    schema_as: SchemaWord = "response_format"

    @property
    def schema_fix(self) -> str:
        """What would help, by how the server is told the schema now."""
        others = " or ".join(word for word in SCHEMA_WORDS if word != self.schema_as)
        return (
            f"If the server ignores {self.schema_as} (vLLM 0.32 does so with guided_json, "
            f"`transformers serve` with all of them), set schema_as to {others}; or use Structured "
            "output, which asks again. Else try another model, or a simpler schema."
        )

    def words(self, call: CallOptions) -> dict[str, Any]:
        """The call; whether to think goes into the body, as servers for open models read it."""
        options = super().words(call)
        thinking = options.pop(THINKING, None)
        if thinking is None:
            return options
        if urlsplit(self.base_url).hostname == "api.openai.com":
            return {**options, "extra_body": {"reasoning_effort": effort_of(thinking, self.model)}}
        body: dict[str, Any] = {"chat_template_kwargs": template_words(thinking)}
        if thinking in EFFORTS:
            body["reasoning_effort"] = thinking
        if isinstance(thinking, int):  # llama.cpp's word for it
            body["thinking_budget_tokens"] = thinking
        return {**options, "extra_body": body}

    def open(self, opening: Opening) -> ServedChat:
        """Make a client. The server is asked only where the model has no name here.

        Raises:
            NodeError: the secret is not set, or the server does not say which model it has.
        """
        from patchbay.nodes.models.servers.openai.client import open_chat

        return open_chat(self, opening)


def translated(
    options: Mapping[str, Any], extra: Mapping[str, JsonValue], schema_as: SchemaWord
) -> dict[str, Any]:
    """A call's options as `ChatOpenAI` takes them.

    The schema goes into the body as it is: LangChain would read the answer against it, and raise
    its own error where it was cut.
    """
    made = {k: v for k, v in options.items() if v is not None and k != "response_format"}
    body: dict[str, Any] = {**extra, **made.pop("extra_body", {})}
    if (wanted := options.get("response_format")) is not None:
        schema = wanted.get("json_schema", {}).get("schema")
        if schema is None or schema_as == "response_format":
            body["response_format"] = wanted
        else:
            body[schema_as] = schema if schema_as == "guided_json" else {"json": schema}
    return {**made, "extra_body": body} if body else made


def translator(spec: OpenAiModel) -> partial[dict[str, Any]]:
    """`translated` for one description."""
    return partial(translated, extra=spec.extra, schema_as=spec.schema_as)
