"""Descriptions of things that must be opened before use, by family. See `Spec`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar, Protocol

from pydantic import JsonValue

from patchbay.nodes.calls import NUMBERS, CallOptions
from patchbay.nodes.data import SecretRef, Value, nested_fields, values_in


class Opening(Protocol):
    """What a description may ask of the pool while it is being opened (in a worker thread)."""

    def report(self, label: str, done: float, total: float | None) -> None:
        """Report progress. Raises when the run was cancelled, which ends the opening."""

    def secret(self, ref: SecretRef) -> str:
        """The secret's value. Raises `NodeError` when it is not set."""

    def open(self, spec: Spec) -> Any:
        """Open another description, or share it where it is open. It stays as long as this one.

        Raises `NodeError` when it cannot be opened.
        """


class Spec(Value):
    """A description of something that must be opened before use: a model, an index, a tool.

    Subclasses that name a `port` start a family (chat model, embeddings, …); subclasses that name a
    `backend` are one member of it. A port that takes the family takes every member. A description
    may hold others: a fallback holds models, an agent its model and tools.
    """

    port: ClassVar[str]
    backend: ClassVar[str] = ""
    hosted: ClassVar[bool] = False
    """Whether one process may open it for several, since nothing but calls is wanted of it. Workers
    of a server then have the weights in memory once."""
    calls: ClassVar[tuple[str, ...]] = ()
    """The methods that are called of what is `hosted`, beside those of chat models and embeddings:
    what goes in is JSON or a list of bytes, what comes out is JSON."""
    told: ClassVar[tuple[str, ...]] = ()
    """Its attributes that are looked at; they stay as they are."""
    elsewhere: ClassVar[bool] = False
    """Whether what it opens may live in another process; `handle` then stands for it here."""

    def handle(self, far: Any) -> Any:
        """What stands here for what was opened elsewhere.

        Args:
            far: the way there; see `patchbay.nodes.models.far.Far`.
        """
        raise NotImplementedError(f"{type(self).__name__} lives in the process that opens it")

    @classmethod
    def type_id(cls) -> str:
        """The port type, such as `chat model` for the family or `chat model/gguf` for a member."""
        return f"{cls.port}/{cls.backend}" if cls.backend else cls.port

    @classmethod
    def tag(cls) -> str:
        """Stored values name a description by its port type."""
        return cls.type_id()

    @property
    def slots(self) -> int | None:
        """How many requests the opened resource serves at once; None for no limit."""
        return None

    def queue(self) -> Spec:
        """The description whose slots a request takes: this one, or a part that others share."""
        return self

    def resource(self) -> Spec:
        """This description without what does not matter for opening it (sampling defaults, say).

        Two descriptions with equal `resource()` share one opened object.
        """
        return self

    def together(self, other: Spec) -> Spec | None:
        """A description with room for both this one and another, so that both share what it opens.

        None where there is none. Equal ones share anyhow. Both are a `resource()`.
        """
        return None

    def view(self, opened: Any) -> Any:
        """What was opened by this description, or by one for it and others, as this one asks."""
        return opened

    def parts(self) -> tuple[Spec, ...]:
        """The descriptions that are opened together with this one: those in its fields."""
        return tuple(
            value
            for name in nested_fields(type(self))
            for value in values_in(getattr(self, name))
            if isinstance(value, Spec)
        )

    def memory(self) -> int | None:
        """Estimated memory in bytes of what this opens itself, without its `parts()`.

        None where it is not known.
        """
        return None

    @property
    def gpu(self) -> int | None:
        """The graphics card in whose memory that lies, by its place; None for the machine's own."""
        return None

    def lighter(self, excess: int) -> tuple[str, ...]:
        """Changes, in words, of which each takes at least `excess` bytes less, such as "a context
        of 2,048 tokens". Empty where there are none."""
        return ()

    def open(self, opening: Opening) -> Any:
        """Open the resource. Runs in a worker thread and may block.

        A `close()` of the result is called when the pool lets it go.
        """
        raise NotImplementedError(f"{type(self).__name__} cannot be opened")


class ModelSpec(Spec):
    """A chat model. Opens as a LangChain `BaseChatModel`."""

    port: ClassVar[str] = "chat model"

    @property
    def sampling(self) -> CallOptions:
        """What the description itself says about every call."""
        return CallOptions()

    def call_options(self, call: CallOptions | None = None, **said: Any) -> dict[str, Any]:
        """Keyword arguments for a call of the opened model, in the words of its backend.

        Args:
            call: what is asked for; what it leaves out is as the description says.
            said: options by their names in `CallOptions`, which count before those of `call`.

        Raises:
            NodeError: the backend cannot do what is asked for.
        """
        return self.words(replace(call or CallOptions(), **said).over(self.sampling))

    @property
    def sees(self) -> bool | None:
        """Whether the model takes pictures; None where only its server knows."""
        return None

    def repeats(self, call: CallOptions | None = None) -> bool:
        """Whether the same call gives the same answer: at temperature 0, or with a seed."""
        options = self.call_options(call)
        return options.get("temperature") == 0 or options.get("seed") is not None

    def words(self, call: CallOptions) -> dict[str, Any]:
        """A whole call in the words of the backend: what a backend overrides.

        A backend that knows neither temperature nor seeds leaves both out, since the answer counts
        as one that repeats where they say so.
        """
        if call.grammar is not None:
            raise _no_grammar(self)
        options: dict[str, Any] = {name: getattr(call, name) for name in NUMBERS}
        options["stop"] = list(call.stop) or None
        if call.json_schema is not None:
            options["response_format"] = {
                "type": "json_schema",
                "json_schema": {"name": "answer", "schema": dict(call.json_schema)},
            }
        options["thinking"] = call.thinking
        return {key: value for key, value in options.items() if value is not None}

    @property
    def own_tools(self) -> bool:
        """Whether the model is asked with tool calls of its own, where its client has them."""
        return True

    def unforced(self, schema: Mapping[str, JsonValue]) -> tuple[str, ...]:
        """What of a JSON schema the backend is known not to force, each a keyword and its place.

        Raises:
            NodeError: the backend cannot be held to the schema at all.
        """
        return ()

    @property
    def schema_fix(self) -> str:
        """What would help where an answer does not follow the schema that it was to follow."""
        return "Try another model, or a simpler schema."


def _no_grammar(spec: ModelSpec) -> Exception:
    from patchbay.nodes.errors import NodeError

    return NodeError(
        f"A {spec.type_id()} follows no grammar.",
        fix="Describe the answer by a JSON schema, or wire a quantized local model.",
        port="model",
        code="model/no-grammar",
        retry=False,
    )


class EmbeddingsSpec(Spec):
    """An embedding model. Opens as LangChain `Embeddings`."""

    port: ClassVar[str] = "embeddings"


class RetrieverSpec(Spec):
    """Something that finds documents for a query. Opens as a LangChain `BaseRetriever`."""

    port: ClassVar[str] = "retriever"


class ToolSpec(Spec):
    """Something that an agent may call."""

    port: ClassVar[str] = "tool"

    replay: ClassVar[bool] = True
    """Whether what it gave is given again when a recorded run goes on; no for what goes stale."""


class AgentSpec(Spec):
    """Somebody with a role, a goal and a model to think with."""

    port: ClassVar[str] = "agent"


class TaskSpec(Spec):
    """Something that an agent is to do."""

    port: ClassVar[str] = "task"
