"""A LangChain chat model over Transformers in this process."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import fields
from typing import Any, NamedTuple

from langchain_core.messages import AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGenerationChunk
from pydantic import PrivateAttr

from patchbay.nodes.errors import NodeError
from patchbay.nodes.models.control_words import pieces, split_words
from patchbay.nodes.models.errors import overflow
from patchbay.nodes.models.messages import JOINED, alternating, to_chat
from patchbay.nodes.models.notes import NOTES
from patchbay.nodes.models.streaming import Parted, StreamingChat
from patchbay.nodes.models.template import refused
from patchbay.nodes.models.thinking import (
    THINKING,
    Splitter,
    check_thinks,
    splitter_for,
    template_words,
)
from patchbay.nodes.models.transformers.answer import Ended, Request, StreamItem
from patchbay.nodes.models.transformers.engine import HfEngine
from patchbay.nodes.models.transformers.sampling import SamplerOptions
from patchbay.nodes.models.ways import Mailbox, Way


class Read(NamedTuple):
    """A conversation as a network takes it in."""

    text: str
    tokens: list[int]
    features: Mapping[str, Any] = {}
    """Its pictures, where it has any."""
    notes: tuple[str, ...] = ()
    """What is to be said of how it was put together."""


_CHOOSING = [field.name for field in fields(SamplerOptions)]


class ChatTransformers(StreamingChat):
    """Chat with a loaded network. Open one through its description, and `close()` it.

    Calls take `temperature`, `top_p`, `top_k`, `seed`, `max_tokens`, `repeat_penalty`, `stop` and
    `response_format` (with a JSON schema).
    """

    model_name: str = ""
    chat_template: str | None = None
    adapter: str | None = None
    """The adapter that the answers are computed with; None for the base alone."""
    lead: int = 0
    """Virtual tokens that it sets before every prompt."""
    _engine: HfEngine = PrivateAttr()
    _on_close: Callable[[], None] | None = PrivateAttr(None)

    @classmethod
    def over(
        cls,
        engine: HfEngine,
        on_close: Callable[[], None],
        *,
        name: str,
        chat_template: str | None = None,
        adapter: str | None = None,
        lead: int = 0,
    ) -> ChatTransformers:
        """A chat model over a loaded engine; closing it does `on_close`."""
        model = cls(model_name=name, chat_template=chat_template, adapter=adapter, lead=lead)
        model._engine, model._on_close = engine, on_close
        return model

    @property
    def _llm_type(self) -> str:
        return "transformers"

    @property
    def context(self) -> int:
        """Tokens that the prompt and the answer of one request may have together."""
        return self._engine.context

    @property
    def engine(self) -> HfEngine:
        """What computes the answers; several chat models may share it."""
        return self._engine

    def close(self) -> None:
        """Let go of what this opened: the network, or the adapter on it."""
        if self._on_close is not None:
            self._on_close()
            self._on_close = None

    def tokens_in(self, text: str) -> int:
        """The tokens of a text."""
        return len(self._engine.tokenizer(text, add_special_tokens=False)["input_ids"])

    async def _answer(
        self, way: Way, messages: list[BaseMessage], stop: list[str] | None, options: dict[str, Any]
    ) -> AsyncGenerator[ChatGenerationChunk, None]:
        coming: Mailbox[StreamItem] = way.mailbox()
        # Templates and grammars take their time; the loop has other things to do.
        request, parted = await way.apart(self._request, messages, stop, coming.put, options)
        self._engine.submit(request)
        item: StreamItem = ""
        try:
            while isinstance(item := await coming.get(), str):
                for chunk in parted.take([item]):
                    yield chunk
            for chunk in parted.rest():
                yield chunk
            yield self._last(request, item, parted)
        finally:
            request.stop.set()
            while isinstance(item, str):
                item = await coming.get()

    # --- in and out ------------------------------------------------------------------------------

    def _request(
        self,
        messages: Sequence[BaseMessage],
        stop: list[str] | None,
        put: Callable[[StreamItem], None],
        options: dict[str, Any],
    ) -> tuple[Request, Parted]:
        engine = self._engine
        schema = _schema(options.get("response_format"))
        check_thinks(self._template(), options.get(THINKING), self.model_name)
        thinking = "off" if schema is not None else options.get(THINKING)
        text, prompt, features, notes = self._read(messages, template_words(thinking))
        split = splitter_for(self._template(), text)
        if split.thinking and thinking in ("off", 0):  # the template began a thought all the same
            prompt += self._tokens(f"\n{split.closing}\n\n")
            split = Splitter(())
        if self.lead + len(prompt) >= engine.context:
            raise overflow(self.lead + len(prompt), engine.context, trained=engine.trained)
        request = Request(
            prompt=prompt,
            put=put,
            sampling=SamplerOptions(**{name: options.get(name) for name in _CHOOSING}),
            max_tokens=options.get("max_tokens"),
            stops=tuple(stop or ()),
            grammar=None if schema is None else engine.grammars.for_schema(schema),
            adapter=self.adapter,
            features=features,
            notes=notes,
        )
        return request, Parted(split)

    def count(self, messages: Sequence[BaseMessage]) -> list[int]:
        """The tokens of a conversation, as the model reads it.

        Raises:
            NodeError: there is no chat template, or it does not take these messages.
        """
        return self._read(messages, {}).tokens

    def _template(self) -> str:
        own = self._engine.tokenizer.chat_template
        return self.chat_template or (own if isinstance(own, str) else "")

    def _tokens(self, text: str) -> list[int]:
        return list(self._engine.tokenizer(text, add_special_tokens=False)["input_ids"])

    def tokenizer_words(self) -> list[str]:
        """What the tokenizer looks a text through for; a shorter one is a blank or a letter."""
        return [word for word in self._engine.tokenizer.get_added_vocab() if len(word) > 2]

    def _read(self, messages: Sequence[BaseMessage], words: Mapping[str, Any]) -> Read:
        """The prompt as a text and as tokens; `words` are told to the template."""
        chat = to_chat(messages)
        notes: tuple[str, ...] = ()
        try:
            text, marked = self._marked(chat, words)
        except NodeError:
            turns = alternating(chat)
            if turns == chat:
                raise
            text, marked = self._marked(turns, words)
            notes = (JOINED,)
        parts = pieces(text) if marked else [text]
        tokens = [token for part in parts for token in self._tokens(part)]
        return Read(text, tokens, notes=notes)

    def _marked(self, chat: list[dict[str, Any]], words: Mapping[str, Any]) -> tuple[str, bool]:
        """The prompt as a text, and whether control words are marked in it."""
        marked = split_words(chat, self.tokenizer_words())
        text = self._templated(self._engine.tokenizer, marked or chat, words)
        return text, marked is not None

    def _templated(self, owner: Any, chat: Sequence[Any], words: Mapping[str, Any]) -> str:
        """A conversation by the chat template of a tokenizer or a processor."""
        import jinja2

        if self.chat_template is None and not owner.chat_template:
            raise NodeError(
                f"The model {self.model_name!r} has no chat template, so it cannot be told who "
                "says what.",
                fix="Give the model node a chat template, or take an instruct model.",
                code="model/chat-template",
                retry=False,
            )
        try:
            return str(
                owner.apply_chat_template(
                    chat,
                    chat_template=self.chat_template,
                    add_generation_prompt=True,
                    tokenize=False,
                    **words,
                )
            )
        except jinja2.TemplateError as error:
            raise refused(str(error)) from error

    def _last(self, request: Request, ended: Ended, parted: Parted) -> ChatGenerationChunk:
        if ended.error is not None:
            raise ended.error
        prompt, answer = len(request.prompt), ended.answer_tokens
        if ended.reason == "context":
            raise overflow(self.lead + prompt, self.context, answer, self._engine.trained)
        counted = parted.usage(prompt, answer)
        info: dict[str, Any] = {"finish_reason": ended.reason, "model_name": self.model_name}
        if request.notes:
            info[NOTES] = list(request.notes)
        timings = {"first_token_s": ended.first_token_s, "generating_s": ended.generating_s}
        message = AIMessageChunk(
            content="",
            usage_metadata=counted,
            response_metadata={**info, "timings": timings},
            chunk_position="last",
        )
        return ChatGenerationChunk(message=message, generation_info=info)


def _schema(response_format: Any) -> dict[str, Any] | None:
    if not isinstance(response_format, dict):
        return None
    if response_format.get("type") == "json_schema":
        return dict(response_format["json_schema"]["schema"])
    return {"type": "object"} if response_format.get("type") == "json_object" else None
