"""A LangChain chat model over llama.cpp in this process."""

from __future__ import annotations

import threading
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from typing import Any

from langchain_core.messages import AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGenerationChunk
from pydantic import PrivateAttr

from patchbay.nodes.calls import NUMBERS
from patchbay.nodes.context import PIECEWISE
from patchbay.nodes.errors import NodeError
from patchbay.nodes.models.errors import overflow
from patchbay.nodes.models.llama.engine import Chunk, LoadedLlama
from patchbay.nodes.models.llama.gathering import PIECES, SAID
from patchbay.nodes.models.llama.grammar import held_to_schema
from patchbay.nodes.models.llama.memory import slot_context
from patchbay.nodes.models.llama.plain_text import plain_prompt
from patchbay.nodes.models.messages import JOINED, alternating, to_chat
from patchbay.nodes.models.notes import NOTES
from patchbay.nodes.models.streaming import Parted, StreamingChat
from patchbay.nodes.models.thinking import (
    THINKING,
    Splitter,
    check_thinks,
    in_llama,
    splitter_for,
    tags_of,
)
from patchbay.nodes.models.ways import Mailbox, Way
from patchbay.nodes.weights.gguf_vocabulary import Vocabulary

TAKEN = (*NUMBERS, "response_format", "grammar", "lora", "cache_prompt")
"""The options of a call that are passed on to llama.cpp."""

_End = BaseException | None


class ChatLlama(StreamingChat):
    """Chat with a loaded GGUF model. Open one through `GgufModel.open`, and `close()` it.

    Calls take `temperature`, `top_p`, `top_k`, `min_p`, `seed`, `max_tokens`, `repeat_penalty`,
    `stop`, `response_format` (with a JSON schema), `grammar` (GBNF) and `lora` (the scale of each
    adapter that was loaded).
    """

    model_name: str = ""
    context: int = 4096
    """Tokens that the prompt and the answer of one request may have together."""
    _engine: LoadedLlama = PrivateAttr()
    _vocabulary: Vocabulary | None = PrivateAttr(None)
    _template: str | None = PrivateAttr(None)
    _narrowed: bool = PrivateAttr(False)

    @classmethod
    def over(
        cls,
        engine: LoadedLlama,
        *,
        name: str,
        context: int,
        vocabulary: Vocabulary | None = None,
        template: str | None = None,
    ) -> ChatLlama:
        """A chat model over a loaded engine; `template` stands in for its own chat template."""
        model = cls(model_name=name, context=context)
        model._engine, model._vocabulary, model._template = engine, vocabulary, template
        return model

    def with_context(self, tokens: int) -> ChatLlama:
        """The same loaded model, whose requests may have so many tokens; itself where it has."""
        context = slot_context(tokens, self._engine.trained)
        if context >= self.context:
            return self
        narrow = self.model_copy(update={"context": context})
        narrow._engine, narrow._vocabulary = self._engine, self._vocabulary
        narrow._template, narrow._narrowed = self._template, True
        return narrow

    @property
    def _llm_type(self) -> str:
        return "llama.cpp"

    def close(self) -> None:
        """Stop running calls and free the memory."""
        self._engine.close()

    def tokens_in(self, text: str) -> int:
        """The tokens of a text. llama.cpp says it before it computes anything, and is stopped."""
        told: list[int] = []
        stop = threading.Event()

        def hear(chunk: Chunk) -> None:
            if progress := chunk.get("prompt_progress"):
                told.append(int(progress["total"]))
                stop.set()

        body = {"prompt": text, "max_tokens": 1, "cache_prompt": False}
        try:
            self._engine.chat(body, hear, stop)
        except NodeError as error:
            if error.code != "model/context-overflow":
                raise
            return max(self.context, len(text) // 8)  # it fits into no request of this model
        return told[0] if told else 0

    async def _answer(
        self, way: Way, messages: list[BaseMessage], stop: list[str] | None, options: dict[str, Any]
    ) -> AsyncGenerator[ChatGenerationChunk, None]:
        # Templates and grammars take their time; the loop has other things to do.
        body, notes = await way.apart(self._request, messages, stop, options)
        coming: Mailbox[Chunk | tuple[_End]] = way.mailbox()
        call = _Call(self._engine, body, coming.put, notes)
        reader = _Reader(self, options.get("max_tokens"), self._parted(body))
        item: Chunk | tuple[_End] = {}
        try:
            while not isinstance(item := await coming.get(), tuple):
                for chunk in reader.read(item):
                    yield chunk
            if item[0] is not None:
                raise item[0]
        finally:
            call.stop.set()
            while not isinstance(item, tuple):
                item = await coming.get()
            call.thread.join()

    # --- in and out ------------------------------------------------------------------------------

    def _request(
        self, messages: Sequence[BaseMessage], stop: list[str] | None, options: dict[str, Any]
    ) -> tuple[dict[str, Any], list[str]]:
        """What llama.cpp is asked, and what is to be said of it."""
        chosen = held_to_schema({k: options[k] for k in TAKEN if options.get(k) is not None})
        chat = to_chat(messages)
        template, held = self._chat_template(), "grammar" in chosen
        tags = tags_of(template)
        check_thinks(template, options.get(THINKING), self.model_name)
        thinking = in_llama(options.get(THINKING), held=held and tags is not None)
        given = thinking.get("chat_template_kwargs", {})
        plain, notes = self._plain(chat, given)
        asked = {"messages": chat, **thinking} if plain is None else {"prompt": plain}
        body = {**asked, **chosen}
        if held and tags is not None:  # it holds from the first token: there is no thought
            body["reasoning_format"] = "none"
        return {**body, "stop": stop} if stop else body, notes

    def _plain(
        self, chat: list[dict[str, Any]], given: Mapping[str, Any]
    ) -> tuple[list[int | str] | None, list[str]]:
        """The prompt where it is made here, and what is to be said of it."""
        try:
            return plain_prompt(chat, self._vocabulary, self._template, given), []
        except NodeError:
            turns = alternating(chat)
            if turns == chat:
                raise
            return plain_prompt(turns, self._vocabulary, self._template, given), [JOINED]

    def _parted(self, body: dict[str, Any]) -> Parted:
        """What parts the answer, where llama.cpp does not: it does for conversations."""
        if "grammar" in body:
            # Where the template begins a thought, llama.cpp gives its opening tag out as text.
            tags = tags_of(self._chat_template())
            return Parted(Splitter(()), begins=tags.opening if tags else "")
        if "prompt" in body:
            end = body["prompt"][-1]
            text = end if isinstance(end, str) else ""
            return Parted(splitter_for(self._chat_template(), text))
        tags = tags_of(self._chat_template())
        return Parted(Splitter((tags,) if tags else ()))

    def _chat_template(self) -> str:
        return self._template or (self._vocabulary.template if self._vocabulary else "")


class _Reader:
    """Turns llama.cpp's chunks into LangChain's. Progress on the prompt gives none."""

    def __init__(self, model: ChatLlama, max_tokens: int | None, parted: Parted) -> None:
        self._model, self._max_tokens, self._reason = model, max_tokens, ""
        self._parted = parted
        self._prompt = self._answer = 0

    def read(self, chunk: Chunk) -> Iterator[ChatGenerationChunk]:
        if self._model._narrowed:
            self._hold_to_context(chunk)
        if NOTES in chunk:
            yield ChatGenerationChunk(
                message=AIMessageChunk(content="", response_metadata={NOTES: chunk[NOTES]})
            )
        for choice in chunk.get("choices", ()):
            delta = choice.get("delta") or {"content": choice.get("text")}
            thought, text = delta.get("reasoning_content"), delta.get("content")
            several = chunk.get(PIECES)
            yield from self._parted.take(
                (several or [text]) if text else (), (several or [thought]) if thought else ()
            )
            self._reason = choice.get("finish_reason") or self._reason
        if usage := chunk.get("usage"):
            yield from self._parted.rest()
            yield self._last(usage, chunk.get("timings", {}))

    def _hold_to_context(self, chunk: Chunk) -> None:
        """Where the model was opened with a longer context than this request may have: stop it as
        llama.cpp would. A chunk that says something is a token, or more."""
        if progress := chunk.get("prompt_progress"):
            self._prompt = int(progress["total"])
        limit, trained = self._model.context, self._model._engine.trained
        if self._prompt >= limit:
            raise overflow(self._prompt, limit, trained=trained)
        says = any(_says(choice) for choice in chunk.get("choices", ()))
        self._answer += len(chunk.get(PIECES, [chunk])) if says else 0
        if self._prompt + self._answer > limit:
            raise overflow(self._prompt, limit, self._answer, trained)

    def _last(self, usage: dict[str, Any], timings: dict[str, Any]) -> ChatGenerationChunk:
        prompt, answer = int(usage["prompt_tokens"]), int(usage["completion_tokens"])
        limit = self._model.context
        if self._reason == "length" and answer != self._max_tokens and prompt + answer >= limit:
            raise overflow(prompt, limit, answer, self._model._engine.trained)
        info = {"finish_reason": self._reason, "model_name": self._model.model_name}
        counted = self._parted.usage(prompt, answer)
        message = AIMessageChunk(
            content="",
            usage_metadata=counted,
            response_metadata={**info, "timings": timings},
            chunk_position="last",
        )
        return ChatGenerationChunk(message=message, generation_info=info)


def _says(choice: Mapping[str, Any]) -> bool:
    """Whether there is text in it: the first chunk names a role, the last says how it ended."""
    delta = choice.get("delta") or choice
    return any(delta.get(name) for name in SAID)


def _chat(
    engine: LoadedLlama,
    request: dict[str, Any],
    put: Callable[[Chunk], None],
    stop: threading.Event,
    gathered: bool,
) -> None:
    """Ask; once more in turns of user and assistant where the template takes nothing else."""
    try:
        engine.chat(request, put, stop, gathered)
    except NodeError as error:
        asked = request.get("messages")
        turns = alternating(asked) if asked and error.code == "model/chat-template" else asked
        if turns == asked:
            raise
        engine.chat({**request, "messages": turns}, put, stop, gathered)
        put({NOTES: [JOINED]})


class _Call:
    """A request running in a thread of its own; the last item it puts is a tuple."""

    def __init__(
        self,
        engine: LoadedLlama,
        request: dict[str, Any],
        put: Callable[[Chunk | tuple[_End]], None],
        notes: Sequence[str] = (),
    ) -> None:
        self.stop = threading.Event()
        gathered = not PIECEWISE.get()

        def work() -> None:
            end: _End = None
            try:
                if notes:
                    put({NOTES: list(notes)})
                _chat(engine, request, put, self.stop, gathered)
            except BaseException as error:
                end = error
            put((end,))

        # A daemon: a model that is still computing must not keep the interpreter from ending.
        self.thread = threading.Thread(target=work, name="llama-call", daemon=True)
        self.thread.start()
