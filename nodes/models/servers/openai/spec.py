"""The description of a chat model behind a server that speaks OpenAI's protocol."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field, JsonValue

from patchbay.nodes.models.servers.address import Address
from patchbay.nodes.values import ModelSpec, Opening, SecretRef

if TYPE_CHECKING:
    from patchbay.nodes.models.servers.chat import ServedChat

SchemaWord = Literal["response_format", "guided_json", "structured_outputs"]
"""How a server is told the JSON schema of an answer: OpenAI's way, or vLLM's older and newer."""

SAMPLING = ("temperature", "top_p", "max_tokens", "seed")
"""Fields that travel with each call."""

START = (
    "Start one, such as `llama-server -m model.gguf --port 8080` or `vllm serve MODEL`, "
    "or change the address."
)


class OpenAiModel(ModelSpec):
    """A chat model behind an OpenAI-compatible server: vLLM, SGLang, llama-server, LM Studio, ….

    `model` may be empty where the server has one model only. `extra` goes into the body of every
    request. `timeout_s` is how long the server may be silent, in seconds.
    """

    backend: ClassVar[str] = "openai"

    base_url: Address
    model: str = ""
    key: SecretRef | None = None
    schema_as: SchemaWord = "response_format"
    extra: dict[str, JsonValue] = {}
    parallel: int = Field(8, ge=1, le=1024)
    timeout_s: float = Field(300.0, gt=0)
    retries: int = Field(3, ge=0, le=10)

    temperature: float | None = Field(None, ge=0, le=5)
    top_p: float | None = Field(None, gt=0, le=1)
    max_tokens: int | None = Field(None, ge=1)
    seed: int | None = Field(None, ge=0, le=2**32 - 2)

    @property
    def slots(self) -> int:
        """Requests that are made at once."""
        return self.parallel

    def memory(self) -> int:
        """Nothing here: the weights are in the server's memory."""
        return 0

    def resource(self) -> OpenAiModel:
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
        return options if self.top_p is None else options | {"top_p": self.top_p}

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
