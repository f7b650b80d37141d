"""Nodes that make a case of the server exact."""

from __future__ import annotations

import asyncio
import os
import threading
from typing import Any, ClassVar

from patchbay.nodes.context import PIECEWISE
from patchbay.nodes.contract import (
    Context,
    DescribingNode,
    Node,
    NodeError,
    NodeParams,
    Ports,
)
from patchbay.nodes.models.asking import WAS_CUT
from patchbay.nodes.testing import ScriptedModel
from patchbay.nodes.values import Document, EmbeddingsSpec, FileRef, ModelSpec, Opening
from tests.flows.runs.nodes import NODES as OTHERS


class Words(Node):
    """Stream the words of a text, `pause_s` between them; counts how many runs are at work.

    None begins while a test has taken `may_begin` away.
    """

    kind, title, family = "test.words", "Words", "Test"
    at_work: ClassVar[int] = 0
    most: ClassVar[int] = 0
    cancelled: ClassVar[int] = 0
    may_begin: ClassVar[threading.Event] = threading.Event()
    read_along: ClassVar[list[bool]] = []
    """Of each run, whether somebody may read answers while they are written."""

    class Params(NodeParams):
        pause_s: float = 0.0

    class Inputs(Ports):
        text: str

    class Outputs(Ports):
        text: str

    async def run(self, inputs: Inputs, params: Params, ctx: Context) -> Outputs:
        Words.at_work += 1
        Words.most = max(Words.most, Words.at_work)
        try:
            while not Words.may_begin.is_set():
                await asyncio.sleep(0.005)
            Words.read_along.append(PIECEWISE.get())
            words = inputs.text.split(" ")
            for number, word in enumerate(words):
                await ctx.stream("text", word if number == 0 else f" {word}")
                await asyncio.sleep(params.pause_s)
            ctx.count_tokens(3, len(words))
            return self.Outputs(text=inputs.text)
        except asyncio.CancelledError:
            Words.cancelled += 1
            raise
        finally:
            Words.at_work -= 1


Words.may_begin.set()


class Size(Node):
    """Say how large a file is, and where it lies."""

    kind, title, family = "test.size", "Size", "Test"

    class Inputs(Ports):
        file: FileRef

    class Outputs(Ports):
        size: float
        path: str

    async def run(self, inputs: Inputs, params: Any, ctx: Context) -> Outputs:
        return self.Outputs(size=float(inputs.file.size), path=inputs.file.path)


class Scripted(DescribingNode):
    """A chat model that answers by script."""

    kind, title, family = "test.scripted", "Scripted", "Test"

    class Params(NodeParams):
        pattern: str = "."
        answer: str = "Paris is the capital."

    class Outputs(Ports):
        model: ModelSpec

    @classmethod
    def describe(cls, params: Params, inputs: Ports) -> Outputs:
        return cls.Outputs(model=ScriptedModel(lines=((params.pattern, params.answer),)))


class Thinks(Node):
    """Think, call a tool, and answer short of what was wanted."""

    kind, title, family = "test.thinks", "Thinks", "Test"

    class Inputs(Ports):
        text: str

    class Outputs(Ports):
        text: str

    async def run(self, inputs: Inputs, params: Any, ctx: Context) -> Outputs:
        ctx.step("thought", "I should look.", who="Ada")
        ctx.step("tool call", "capital of Denmark", who="Ada", tool="search")
        await ctx.stream("text", "Copen")
        await ctx.warn(f"{WAS_CUT}; raise max tokens for more.")
        return self.Outputs(text="Copenhagen")


class Letters(EmbeddingsSpec):
    """Embeddings by counting letters."""

    backend: ClassVar[str] = "letters"

    def open(self, opening: Opening) -> Any:
        from langchain_core.embeddings import Embeddings

        class Count(Embeddings):
            max_tokens = 7

            def embed_documents(self, texts: list[str]) -> list[list[float]]:
                return [[float(text.count(letter)) for letter in "abc"] for text in texts]

            def embed_query(self, text: str) -> list[float]:
                return self.embed_documents([text])[0]

        return Count()


class MakesLetters(DescribingNode):
    """Describe embeddings."""

    kind, title, family = "test.embeddings", "Letters", "Test"

    class Outputs(Ports):
        embeddings: EmbeddingsSpec

    @classmethod
    def describe(cls, params: Any, inputs: Ports) -> Outputs:
        return cls.Outputs(embeddings=Letters())


class Prints(Node):
    """Write to standard output, as libraries do, by Python and below it."""

    kind, title, family = "test.prints", "Prints", "Test"

    class Inputs(Ports):
        text: str

    class Outputs(Ports):
        text: str

    async def run(self, inputs: Inputs, params: Any, ctx: Context) -> Outputs:
        print("of the node", flush=True)
        os.write(1, b"of a library\n")
        return self.Outputs(text=inputs.text.upper())


class AtOnce(Node):
    """Write a text in capitals without waiting for anything; refuse an empty one."""

    kind, title, family = "test.at_once", "At once", "Test"

    class Inputs(Ports):
        text: str

    class Outputs(Ports):
        text: str

    async def run(self, inputs: Inputs, params: Any, ctx: Context) -> Outputs:
        if not inputs.text:
            raise NodeError("There is nothing to write.", fix="Send a text.")
        return self.Outputs(text=inputs.text.upper())


class Finds(Node):
    """Answer with a text and the document that it comes from."""

    kind, title, family = "test.finds", "Finds", "Test"

    class Inputs(Ports):
        text: str

    class Outputs(Ports):
        text: str
        found: list[Document]

    async def run(self, inputs: Inputs, params: Any, ctx: Context) -> Outputs:
        document = Document(text=inputs.text, metadata={"source": "n.md"})
        return self.Outputs(text="It says so.", found=[document])


class FindsPage(Finds):
    """Answer with a text, the document that it comes from, and a page of the web."""

    kind, title = "test.finds_page", "Finds page"

    async def run(self, inputs: Finds.Inputs, params: Any, ctx: Context) -> Finds.Outputs:
        found = await super().run(inputs, params, ctx)
        page = Document(text="A page", metadata={"url": "https://example.org/a", "title": "A"})
        return self.Outputs(text=found.text, found=[*found.found, page])


NODES = [*OTHERS, AtOnce, Finds, FindsPage, Prints, Words, Size, Scripted, Thinks, MakesLetters]
