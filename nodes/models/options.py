"""Settings that several models share: how words are chosen, and how a server is asked.

The classes with fields alone are for descriptions (what travels) and for params (what a person
sets) alike: `class Params(NodeParams, Sampling)`. A subclass may set another default.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, JsonValue
from pydantic import Field as Limits

from patchbay.nodes.calls import NUMBERS, CallOptions
from patchbay.nodes.contract import Field, NodeParams, Ports
from patchbay.nodes.values import EmbeddingsSpec, ModelSpec, SecretRef

Temperature = Annotated[float | None, Limits(ge=0, le=5)]
Nucleus = Annotated[float | None, Limits(gt=0, le=1)]
MaxTokens = Annotated[int | None, Limits(ge=1, le=1_048_576)]
Seed = Annotated[int | None, Limits(ge=0, le=2**32 - 2)]
Thinking = Annotated[
    Annotated[str, Limits(pattern=r"^(off|on|low|medium|high|[1-9]\d{0,6})$")] | None,
    BeforeValidator(lambda given: str(given) if isinstance(given, int) else given),
]
Penalty = Annotated[float | None, Limits(gt=0, le=5)]

ToolsWord = Literal["calls", "schema"]
"""How tools reach a model behind a server: by its own calls, or as local models get them."""

# --- how words are chosen -------------------------------------------------------------------------


class Sampling(BaseModel):
    """What every model, and every node that asks one, can say about an answer."""

    temperature: Temperature = None
    """How freely words are chosen; 0 always takes the likeliest. Empty: as the model says."""
    max_tokens: MaxTokens = None
    """Where an answer is cut, in tokens. Empty: as the model says."""
    seed: Seed = None
    """Makes sampled answers repeat, where the model knows seeds. Empty: as the model says."""

    @property
    def sampling(self) -> CallOptions:
        """What the fields say about a call. A class with a form or stop texts adds them."""
        said: dict[str, Any] = {name: getattr(self, name) for name in sampled(type(self))}
        thinking: str | None = getattr(self, "thinking", None)
        if thinking is not None:
            said["thinking"] = int(thinking) if thinking.isdecimal() else thinking
        return CallOptions(**said)


def repeats(params: Sampling, inputs: Ports) -> bool:
    """Whether a node would get the same answers again: at temperature 0, or with a seed."""
    model: ModelSpec = inputs["model"]
    return model.repeats(params.sampling)


class Thinks(BaseModel):
    """For models that think before they answer."""

    thinking: Thinking = None
    """off, on, low, medium, high, or the most tokens of it; empty: as the model says."""


class ServerSampling(Sampling):
    """Likewise, for servers that speak OpenAI's protocol."""

    top_p: Nucleus = None
    """Only the likeliest words that together have this probability are considered."""


class EngineSampling(ServerSampling):
    """Likewise, for what runs open weights."""

    repeat_penalty: Penalty = None
    """Above 1, words that were just used become less likely."""


class LocalSampling(EngineSampling):
    """Likewise, with defaults that suit small models on this machine."""

    temperature: Temperature = 0.2
    top_p: Nucleus = 0.9
    max_tokens: MaxTokens = 512


def sampled(cls: type[BaseModel]) -> tuple[str, ...]:
    """The fields of a class that say how words are chosen, and how many."""
    return tuple(name for name in NUMBERS if name in cls.model_fields)


def _unthinking(cls: type[BaseModel]) -> dict[str, None]:
    return {"thinking": None} if "thinking" in cls.model_fields else {}


class SampledModel(Sampling, ModelSpec):
    """A description of a model with sampling defaults, which travel with each call."""

    def resource(self) -> Self:
        """Without the sampling defaults."""
        free: dict[str, Any] = dict.fromkeys(sampled(type(self)))
        return self.model_copy(update={**free, **_unthinking(type(self))})


# --- how a server is asked ------------------------------------------------------------------------


class Served(BaseModel):
    """What every description of something behind a server holds.

    `timeout_s` is how long the server may be silent, in seconds.
    """

    key: SecretRef | None = None
    timeout_s: float = Limits(300.0, gt=0)
    retries: int = Limits(3, ge=0, le=10)

    def memory(self) -> int:
        """Nothing here: the weights are in the server's memory."""
        return 0


class ServedModel(Served, SampledModel):
    """A description of a chat model behind a server."""

    parallel: int = Limits(8, ge=1, le=1024)
    tools_as: ToolsWord = "calls"

    @property
    def own_tools(self) -> bool:
        """Whether the server is asked with tool calls of its own."""
        return self.tools_as == "calls"

    @property
    def slots(self) -> int:
        """Requests that are made at once; the server queues what it has no room for."""
        return self.parallel


class RemoteEmbeddings(Served, EmbeddingsSpec):
    """A description of embeddings behind a server.

    `dimensions` asks for shorter vectors where the model can give them. The prefixes go before each
    text, as some models want it. `batch` counts texts in one request.
    """

    dimensions: int | None = Limits(None, ge=1)
    document_prefix: str = ""
    query_prefix: str = ""
    batch: int = Limits(32, ge=1, le=2048)
    timeout_s: float = Limits(120.0, gt=0)


class Extra(BaseModel):
    """Room for what one server knows and others do not."""

    extra: dict[str, JsonValue] = Field(default_factory=dict, widget="json")
    """More fields for the body of each request, such as top_k or min_p."""


class ServerParams(NodeParams):
    """How a server is asked: the params of every node that describes something behind one."""

    api_key: SecretRef | None = Field(None, widget="secret")
    """The secret that holds the server's key, where it wants one."""
    timeout: float = Field(300.0, gt=0, le=86_400)
    """Seconds that the server may be silent; loading a model counts."""
    retries: int = Field(3, ge=0, le=10)
    """How often a request is made again when the server says that it is too busy."""

    def described(self) -> dict[str, Any]:
        """The params by the names that descriptions have for them."""
        fields = self.model_dump(exclude={"api_key", "timeout"})
        return {**fields, "key": self.api_key, "timeout_s": self.timeout}


class ChatServerParams(ServerParams):
    """Likewise, for chat models."""

    parallel: int = Field(8, ge=1, le=1024)
    """Requests made at once; more of them wait here."""
    tools_as: ToolsWord = Field("calls")
    """How an agent's tools are passed: as the server's own tool calls, or, for servers without
    them, described in the prompt, the answer held to a JSON schema."""


class EmbeddingsParams(ServerParams):
    """Likewise, for embeddings."""

    dimensions: int | None = Field(None, ge=1, le=65_536)
    """Shorter vectors, from models that can give them."""
    document_prefix: str = Field("", max_length=1000)
    """What the model wants before a text that is searched, such as "search_document: "."""
    query_prefix: str = Field("", max_length=1000)
    """What the model wants before a question, such as "search_query: "."""
    batch: int = Field(32, ge=1, le=2048)
    """Texts in one request."""
    timeout: float = Field(120.0, gt=0, le=86_400)
