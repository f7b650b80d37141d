"""Chat with a network that has an encoder and a decoder, mostly without a chat template."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from langchain_core.messages import BaseMessage

from patchbay.nodes.models.transformers.chat import ChatTransformers, Read
from patchbay.nodes.models.transformers.engine import HfEngine
from patchbay.nodes.models.transformers.plain_prompt import as_it_is, framed


def chat_over(engine: HfEngine, on_close: Callable[[], None], **named: Any) -> ChatTransformers:
    """A chat model over a loaded engine, of the kind that its network asks for.

    Args:
        engine: computes the answers.
        on_close: done when it is closed.
        named: what `ChatTransformers.over` takes by name.
    """
    kind = EncodedChat if engine.encodes else ChatTransformers
    return kind.over(engine, on_close, **named)


class EncodedChat(ChatTransformers):
    """Chat with T5 and its kin. Open one through its description, and `close()` it.

    Few of them have a chat template. Without one the texts are read as they are, one below the
    other: these models were trained on tasks that are written out, and not on conversations.
    """

    def _read(self, messages: Sequence[BaseMessage], words: Mapping[str, Any]) -> Read:
        read = super()._read(messages, words)
        return read._replace(tokens=framed(self._engine.tokenizer, read.tokens))

    def _templated(self, owner: Any, chat: Sequence[Any], words: Mapping[str, Any]) -> str:
        if self.chat_template is None and not owner.chat_template:
            return as_it_is(chat, self.model_name)
        return super()._templated(owner, chat, words)
