"""The node `retrieval.split`: documents into chunks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Literal

from pydantic import JsonValue, model_validator

from patchbay.nodes.contract import Context, Field, Node, NodeError, NodeParams, Ports, port
from patchbay.nodes.text.sections import sections
from patchbay.nodes.values import Document

SplitMethod = Literal["sentences", "tokens", "recursive", "headings", "code"]

TextChunk = tuple[str, dict[str, JsonValue]]


class SplitDocuments(Node):
    """Cut documents into chunks that are small enough to be found, and to be shown to a model.

    By **sentences**: whole sentences, as many as fit (LlamaIndex's sentence splitter). By
    **tokens**: a fixed length, wherever that ends. **Recursive**: at paragraphs, then lines, then
    words, until it fits (LangChain's recursive splitter). By **headings**: one chunk for each
    Markdown section, which remembers its headings (as CommonMark has them: not inside of code);
    long sections are cut by sentences, and a heading with nothing below it goes with the next
    section. By **code**: between classes and functions of the document's `language`, which *Load a
    repository* says (LangChain's splitters); recursive where there is none. Without overlap nothing
    but white space is lost or doubled, whichever way.

    A chunk keeps the metadata of its document and gets its number as `chunk`. Size is counted in
    tokens of the cl100k encoding; other models count a little differently. An embeddings model
    reads only so many tokens (all-MiniLM-L6-v2: 256); larger chunks are cut there.
    """

    kind, version, edition = "retrieval.split", 1, 2
    title, family, icon = "Split documents", "Retrieval", "cut"
    front = ("by", "size", "overlap")
    synonyms = ("rag", "chunk", "chunking", "text splitter", "recursive")
    requires = ("llama_index", "langchain_text_splitters", "markdown_it", "nltk")

    class Params(NodeParams):
        by: SplitMethod = Field("sentences")
        """Where a chunk may end."""
        size: int = Field(200, ge=10, le=8192)
        """The largest chunk, in tokens."""
        overlap: int = Field(20, ge=0, le=4096)
        """How many tokens of a chunk are repeated in the next, so that nothing is torn apart."""

        @model_validator(mode="after")
        def _overlap_fits(self) -> SplitDocuments.Params:
            if self.overlap >= self.size:
                raise ValueError(
                    f"the overlap ({self.overlap}) must be smaller than the size ({self.size})"
                )
            return self

    class Inputs(Ports):
        documents: list[Document] = port(doc="What to cut.")

    class Outputs(Ports):
        chunks: list[Document] = port(doc="The pieces, in order.")

    @classmethod
    def summary(cls, params: Params) -> str:
        way = params.by if params.by == "recursive" else f"by {params.by}"
        return f"{way} · {params.size} tokens"

    async def run(self, inputs: Inputs, params: Params, ctx: Context) -> Outputs:
        if not any(document.text.strip() for document in inputs.documents):
            raise NodeError(
                "There is no text to split.",
                fix="Wire documents that hold text.",
                port="documents",
                code="retrieval/no-text",
                retry=False,
            )
        return self.Outputs(
            chunks=await ctx.blocking(split, inputs.documents, params, ctx.cancelled.is_set)
        )


def split(
    documents: list[Document], params: SplitDocuments.Params, stopped: Callable[[], bool]
) -> list[Document]:
    """The chunks of documents. Pieces of one source are numbered from 1 through all its pages."""
    usual = SPLITTERS[params.by](params.size, params.overlap)
    by_language: dict[str, Cut] = {}
    counts: dict[str, int] = {}
    chunks = []
    for document in documents:
        if stopped():
            break
        source = str(document.metadata.get("source", ""))
        cut = usual
        if params.by == "code" and (language := document.metadata.get("language")):
            if str(language) not in by_language:
                by_language[str(language)] = _by_code(str(language), params.size, params.overlap)
            cut = by_language[str(language)]
        for text, more in cut(document.text):
            if text.strip():
                counts[source] = counts.get(source, 0) + 1
                metadata = {**document.metadata, **more, "chunk": counts[source]}
                chunks.append(Document(text=text.strip(), metadata=metadata))
    return chunks


# --- the ways -----------------------------------------------------------------------------------

Cut = Callable[[str], Iterator[TextChunk]]

_PHRASES = r"[^,.;。？！]+[,.;。？！]*|[,.;。？！]+"
"""Parts of a sentence that is too long. LlamaIndex's own pattern loses two of the dots of "..."."""


def _by_sentences(size: int, overlap: int) -> Cut:
    from llama_index.core.node_parser import SentenceSplitter
    from llama_index.core.node_parser.text.utils import split_by_sentence_tokenizer_internal
    from nltk.tokenize import PunktSentenceTokenizer

    # What LlamaIndex would make itself, but it looks for stop words on disk or the network first.
    sentences = partial(split_by_sentence_tokenizer_internal, tokenizer=PunktSentenceTokenizer())
    splitter = SentenceSplitter(
        chunk_size=size,
        chunk_overlap=overlap,
        tokenizer=_tokenizer(),
        chunking_tokenizer_fn=sentences,
        secondary_chunking_regex=_PHRASES,
    )
    return lambda text: ((piece, {}) for piece in splitter.split_text(text))


def _by_tokens(size: int, overlap: int) -> Cut:
    from llama_index.core.node_parser import TokenTextSplitter

    splitter = TokenTextSplitter(
        chunk_size=size, chunk_overlap=overlap, tokenizer=_tokenizer(), backup_separators=["\n"]
    )
    return lambda text: ((piece, {}) for piece in splitter.split_text(text))


def _recursive(size: int, overlap: int) -> Cut:
    from langchain_text_splitters import RecursiveCharacterTextSplitter

    tokenizer = _tokenizer()
    splitter = RecursiveCharacterTextSplitter(
        chunk_size=size, chunk_overlap=overlap, length_function=lambda text: len(tokenizer(text))
    )
    return lambda text: ((piece, {}) for piece in splitter.split_text(text))


def _by_code(language: str, size: int, overlap: int) -> Cut:
    """Between the parts of a language; recursive where LangChain does not know it."""
    from langchain_text_splitters import Language, RecursiveCharacterTextSplitter

    if language not in {one.value for one in Language}:
        return _recursive(size, overlap)
    tokenizer = _tokenizer()
    try:
        splitter = RecursiveCharacterTextSplitter.from_language(
            Language(language),
            chunk_size=size,
            chunk_overlap=overlap,
            length_function=lambda text: len(tokenizer(text)),
        )
    except ValueError:  # it has a name there, and no separators
        return _recursive(size, overlap)
    return lambda text: ((piece, {}) for piece in splitter.split_text(text))


def _by_headings(size: int, overlap: int) -> Cut:
    shorten = _by_sentences(size, overlap)

    def cut(text: str) -> Iterator[TextChunk]:
        for section in sections(text):
            more: dict[str, JsonValue] = {}
            if section.headings:
                more["heading"] = " › ".join(section.headings)
            yield from ((piece, more) for piece, _ in shorten(section.text))

    return cut


def _tokenizer() -> Callable[[str], list[Any]]:
    """The encoding that comes with LlamaIndex, as a file: nothing is fetched."""
    from llama_index.core.utils import get_tokenizer

    tokenizer: Callable[[str], list[Any]] = get_tokenizer()
    return tokenizer


SPLITTERS: dict[SplitMethod, Callable[[int, int], Cut]] = {
    "sentences": _by_sentences,
    "tokens": _by_tokens,
    "recursive": _recursive,
    "headings": _by_headings,
    "code": _recursive,
}
