"""One answer of a server while it comes in: its thought apart, and whether it came whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.messages.ai import OutputTokenDetails, UsageMetadata
from langchain_core.outputs import ChatGenerationChunk

from patchbay.nodes.models import endings
from patchbay.nodes.models.endings import REASON
from patchbay.nodes.models.notes import NOTES
from patchbay.nodes.models.servers.answered import causes
from patchbay.nodes.models.servers.errors import EndedEarly, NothingSent, SentInstead, Server
from patchbay.nodes.models.stops import Stops
from patchbay.nodes.models.thinking import LATE, THOUGHT, Splitter, late_thought, thought_of

REFUSAL = "refusal"
"""The key in `additional_kwargs` under which a refusal's words stand, as OpenAI names them."""

Whole = Callable[[Any], ChatGenerationChunk | None]
"""Makes a chunk of an answer that came whole; None where it is none."""


class IncomingAnswer:
    """What came of one answer so far.

    Args:
        server: whom it is of.
        context: tokens that a request may have, where the server cuts prompts without a word.
        says_end: whether a whole answer of this client gives a reason for its end.
        whole: reads an answer that was not streamed, where the client can.
        stops: texts at which the answer ends, whether the server knows or not.
    """

    def __init__(
        self,
        server: Server,
        context: int | None,
        says_end: bool,
        whole: Whole | None = None,
        stops: Sequence[str] = (),
    ) -> None:
        self._server, self._context = server, context
        self._says_end, self._whole = says_end, whole
        self._split, self._stops = Splitter(), Stops(stops)
        self._pieces: list[str] = []
        self._refusal: list[str] = []
        self._thought = 0
        self._reason = ""
        self._usage: UsageMetadata | None = None
        self._any = False
        self.begun = False
        """Whether something of the answer was given out."""

    @property
    def over(self) -> bool:
        """Whether the answer has ended at a stop text, and the server writes on."""
        return self._stops.ignored

    @property
    def received(self) -> bool:
        """Whether anything came at all."""
        return self._any

    @property
    def written(self) -> str:
        """The text of the answer so far."""
        return "".join(self._pieces)

    def take(self, chunk: Any) -> Iterator[ChatGenerationChunk]:
        """The inner model's chunk as ours; notes where something about it is to be said."""
        self._any = True
        ours = passed_on(chunk)
        message: Any = ours.message
        self._refusal.append(str(message.additional_kwargs.pop(REFUSAL, "")))
        self._reason = self._told(message.response_metadata) or self._reason
        if usage := message.usage_metadata:
            self._usage = usage
            yield from self._doubts(usage)
        if self._part(message):
            self.begun = True
        yield ours

    def rescued(self, error: Exception) -> list[ChatGenerationChunk]:
        """What can be had of an answer in spite of an error of the client.

        Raises the error where that is nothing.
        """
        chain = causes(error)
        if any(isinstance(cause, EndedEarly) for cause in chain) and self._reason:
            return []  # the answer was over; only the mark of the stream is missing
        if isinstance(error, ValueError) and not self._any and "generation" in str(error):
            # LangChain's word for a stream without a chunk; did it end as one does?
            torn = any(isinstance(cause, EndedEarly) for cause in chain)
            raise (EndedEarly if torn else NothingSent) from error
        sent = next((cause for cause in chain if isinstance(cause, SentInstead)), None)
        found = self._whole(sent.body) if sent is not None and self._whole is not None else None
        if found is None:
            raise error
        found.message.response_metadata = {
            **(found.generation_info or {}),
            **found.message.response_metadata,
            NOTES: [f"{self._server} does not stream: its answer came as a whole."],
        }
        return [found]

    def end(self) -> Iterator[ChatGenerationChunk]:
        """The last chunk, which says how the answer ended.

        Raises:
            NodeError: it is half an answer, or none.
        """
        thought, text = self._split.finish()
        text = self._stops.add(text) + self._stops.finish()
        if thought or text:
            self._note_text(thought, text)
            yield _chunk(thought, text)
        if late := late_thought(self.written) if not self._thought else 0:
            self._thought = late
            yield _chunk("", "", {LATE: late})
        if self.over:
            yield from self._ended()
            return
        refusal = "".join(self._refusal)
        failure = endings.failure_of(self._reason, self._server, self.written, refusal)
        if failure is not None:
            raise failure
        if not self._reason and self._says_end:
            raise endings.unfinished(self._server, self.written)
        if counted := self._counted():
            yield ChatGenerationChunk(
                message=AIMessageChunk(content="", usage_metadata=counted, chunk_position="last")
            )

    # --- parts ------------------------------------------------------------------------------------

    def _told(self, metadata: dict[str, Any]) -> str:
        """The reason in a chunk. It is given on once: LangChain joins words of several chunks."""
        reason = endings.reason_of(metadata)
        metadata.pop(REASON, None)
        if reason and not self._reason:
            metadata[REASON] = reason
        return reason

    def _part(self, message: AIMessageChunk) -> bool:
        """Part a chunk's text; whether there is anything of an answer in it."""
        thought = thought_of(message)
        if isinstance(message.content, str) and message.content and not thought:
            thought, message.content = self._split.add(message.content)
            message.content = self._stops.add(message.content)
            if thought:
                message.additional_kwargs = {**message.additional_kwargs, THOUGHT: thought}
        elif thought and THOUGHT not in message.additional_kwargs:
            message.additional_kwargs = {**message.additional_kwargs, THOUGHT: thought}
        self._note_text(thought, str(message.text))
        return bool(message.content or thought or message.tool_call_chunks)

    def _ended(self) -> Iterator[ChatGenerationChunk]:
        """The end of an answer that the server would have gone on with."""
        if not self._reason:
            yield note(
                f"{self._server} ignores stop texts: the answer was ended here, and its tokens "
                "are not counted."
            )
            yield _chunk("", "", {REASON: "stop"})

    def _note_text(self, thought: str, text: str) -> None:
        self._thought += len(thought)
        if text:
            self._pieces.append(text)

    def _counted(self) -> UsageMetadata | None:
        """The tokens of the thought, where the server counted all and not these: by their share."""
        if not self._thought or self._usage is None:
            return None
        if self._usage.get("output_token_details", {}).get("reasoning"):
            return None
        whole = self._thought + len(self.written)
        share = round(self._usage["output_tokens"] * min(1.0, self._thought / whole))
        details = OutputTokenDetails(reasoning=share)
        return UsageMetadata(
            input_tokens=0, output_tokens=0, total_tokens=0, output_token_details=details
        )

    def _doubts(self, usage: UsageMetadata) -> Iterator[ChatGenerationChunk]:
        """A note where the prompt was as long as the context: then it was cut, most likely."""
        if self._context and usage["input_tokens"] >= self._context:
            yield note(
                f"The prompt filled all {self._context:,} tokens of context, so that its beginning "
                "was probably left out. Raise the model's context, or shorten the prompt."
            )


def note(text: str) -> ChatGenerationChunk:
    """A chunk that says something about the answer and nothing of it."""
    return _chunk("", "", {NOTES: [text]})


def says(chunk: AIMessage) -> bool:
    """Whether a chunk is part of the answer."""
    return bool(chunk.content or thought_of(chunk) or getattr(chunk, "tool_call_chunks", None))


def passed_on(chunk: Any) -> ChatGenerationChunk:
    """An inner model's chunk as ours. One that does not stream gives a whole message."""
    if isinstance(chunk, ChatGenerationChunk):
        return chunk
    if not isinstance(chunk, AIMessageChunk):
        fields = {"content": chunk.content, "usage_metadata": chunk.usage_metadata}
        fields |= {"tool_calls": chunk.tool_calls, "response_metadata": chunk.response_metadata}
        fields |= {"invalid_tool_calls": chunk.invalid_tool_calls}
        fields |= {"additional_kwargs": chunk.additional_kwargs}
        chunk = AIMessageChunk(**fields)
    return ChatGenerationChunk(message=chunk)


def _chunk(
    thought: str, text: str, metadata: Mapping[str, Any] | None = None
) -> ChatGenerationChunk:
    extra = {THOUGHT: thought} if thought else {}
    return ChatGenerationChunk(
        message=AIMessageChunk(
            content=text, additional_kwargs=extra, response_metadata=dict(metadata or {})
        )
    )
