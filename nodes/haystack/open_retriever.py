"""A pipeline of Haystack as a retriever of LangChain. Imported only where one is opened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document as LangChainDocument
from langchain_core.retrievers import BaseRetriever
from pydantic import ConfigDict

from patchbay.nodes.haystack.build import build, refused
from patchbay.nodes.haystack.convert import document_of, to_haystack
from patchbay.nodes.haystack.open_sockets import open_sockets
from patchbay.nodes.haystack.plan import read_plan
from patchbay.nodes.retrieval.as_documents import document_to_langchain
from patchbay.nodes.values import Document


class OpenPipeline(BaseRetriever):
    """Runs a pipeline with a query and gives what it found."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    pipeline: Any
    takes: tuple[tuple[str, str], ...]
    gives: tuple[str, str]

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun
    ) -> list[LangChainDocument]:
        data: dict[str, dict[str, Any]] = {}
        for part, socket in self.takes:
            data.setdefault(part, {})[socket] = query
        try:
            found = self.pipeline.run(data, include_outputs_from={self.gives[0]})
        except Exception as error:
            raise refused("the pipeline", error) from error
        documents = found.get(self.gives[0], {}).get(self.gives[1], [])
        return [document_to_langchain(document_of(document)) for document in documents]


def open_pipeline(text: str, documents: Sequence[Document], embeddings: Any) -> OpenPipeline:
    """A retriever over documents.

    Raises:
        NodeError: Haystack refuses the pipeline.
    """
    plan = read_plan(text)
    sockets = open_sockets(plan)
    pipeline, stores = build(plan, _no_generator, embeddings)
    stores.fill([to_haystack(document, ("Document",)) for document in documents], embeddings)
    gives = next(
        end
        for end in sockets.gives.values()
        if plan.parts[end[0]].gives[end[1]] == ("list", ("Document",))
    )
    (takes,) = sockets.needs.values()
    return OpenPipeline(pipeline=pipeline, takes=takes, gives=gives)


def _no_generator(name: str, said: Mapping[str, Any]) -> NoReturn:
    raise AssertionError(name)  # the check of the params has refused it
