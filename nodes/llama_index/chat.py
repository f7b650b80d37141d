"""The node `llama_index.chat`: a chat engine of LlamaIndex over a retriever of a flow."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import Any

from patchbay.nodes.contract import Context, Field, Node, NodeError, NodeParams, Ports, port
from patchbay.nodes.llama_index.asking import asks_of, searches_of, window_of
from patchbay.nodes.values import Document, Message, ModelSpec, RetrieverSpec


class ChatEngine(Node):
    """Go on with a conversation about texts, with the chat engine of LlamaIndex.

    The last message is first rewritten into a question that stands alone ("and in winter?"); that
    is searched for, and answered from what was found and the conversation so far.
    """

    kind, version = "llama_index.chat", 1
    title, family, icon = "Chat engine", "Systems", "chat"
    synonyms = ("llamaindex", "llama index", "condense question", "chat with documents", "rag")
    requires = ("llama_index",)

    class Params(NodeParams):
        system: str = Field("", max_length=20_000, widget="textarea")
        """How the model is to answer."""
        max_tokens: int = Field(256, ge=1, le=100_000)
        """The most tokens of each answer of the model."""

    class Inputs(Ports):
        messages: list[Message] | str = port(doc="The conversation; its last message is answered.")
        model: ModelSpec = port(doc="Rewrites and answers.")
        retriever: RetrieverSpec = port(doc="What is talked about.")

    class Outputs(Ports):
        text: str = port(doc="The answer.")
        documents: list[Document] = port(doc="What it was made of.")

    @classmethod
    def repeatable(cls, params: Params, inputs: Ports) -> bool:
        """Whether the same would be answered."""
        return bool(inputs["model"].repeats())

    async def run(self, inputs: Inputs, params: Params, ctx: Context) -> Outputs:
        given = inputs.messages
        said = [Message(role="user", content=given)] if isinstance(given, str) else list(given)
        if not said or said[-1].role != "user" or not said[-1].content.strip():
            raise NodeError(
                "The conversation does not end with a message of the user that says something.",
                fix='Wire a question, or a conversation that ends with one, into "messages".',
                port="messages",
                code="llamaindex/given",
                retry=False,
            )
        async with AsyncExitStack() as stack:
            searches = await searches_of(ctx, stack, inputs.retriever)
            engine = await ctx.blocking(_engine, inputs.model, searches, said[:-1], params, ctx)
            text, found = await _answered(engine, said[-1].content)
        await ctx.stream("text", text)
        return self.Outputs(text=text, documents=found)


def _engine(
    model: ModelSpec, searches: Any, past: list[Message], params: ChatEngine.Params, ctx: Context
) -> Any:
    from patchbay.nodes.llama_index.engines import make_chat

    asks = asks_of(ctx, model, params.max_tokens)
    tokens = (window_of(model), params.max_tokens)
    return make_chat(asks, searches, tokens, past, params.system)


async def _answered(engine: Any, question: str) -> tuple[str, list[Document]]:
    from patchbay.nodes.llama_index.parts import document_of, text_of

    response = await engine.achat(question)
    return text_of(response), [document_of(node) for node in response.source_nodes]
