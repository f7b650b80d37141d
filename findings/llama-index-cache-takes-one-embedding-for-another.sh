#!/usr/bin/env bash
# Guess: an `IngestionPipeline` with a cache computes the vectors anew when the embedding model is another one.
# What happens: the key of the cache is the text and what the embedding shows of itself. A `LangchainEmbedding` shows the name of
# the model, or only the name of the class where there is none; prefix, dimensions, address and the rest of the LangChain
# object are hidden. Vectors of the earlier settings come back, and the model is not asked.
# Seen with llama-index-core 0.14.25, llama-index-embeddings-langchain 0.6.0, langchain-core 1.8.3 on 2026-11-30.
# Why it matters: questions are embedded the new way and documents stay the old way, so search gets worse and nobody sees why; one
# who compares two settings measures the first twice. Give `model_name` a text that tells all settings.
source "$(dirname "$0")/_env.sh"
packages 'llama-index-core==0.14.25' 'llama-index-embeddings-langchain==0.6.0' 'langchain-core==1.8.3'
"$PY" - <<'PY'
from importlib.metadata import version

from langchain_core.embeddings import Embeddings
from llama_index.core import Document
from llama_index.core.ingestion import IngestionCache, IngestionPipeline
from llama_index.embeddings.langchain import LangchainEmbedding


class Letters(Embeddings):
    """Counts two letters; the model has one name, whatever prefix it is given."""

    model = "letters"

    def __init__(self, prefix):
        self.prefix = prefix

    def embed_query(self, text):
        return [float((self.prefix + text).count(letter)) for letter in "ae"]

    def embed_documents(self, texts):
        return [self.embed_query(text) for text in texts]


def vectors(cache, named):
    found = []
    for prefix in ("", "passage: "):
        name = f"letters with {prefix!r}" if named else None
        step = LangchainEmbedding(Letters(prefix), model_name=name)
        pipeline = IngestionPipeline(transformations=[step], cache=cache, disable_cache=cache is None)
        found.append(pipeline.run(documents=[Document(text="sea")])[0].embedding)
    return found


for name in ("llama-index-core", "llama-index-embeddings-langchain", "langchain-core"):
    print(name, version(name))
seen = {
    "no cache": vectors(None, named=False),
    "a cache": vectors(IngestionCache(), named=False),
    "a cache, and a name for each": vectors(IngestionCache(), named=True),
}
for case, pair in seen.items():
    print(f"{case}: without prefix {pair[0]}, with prefix {pair[1]}")
plain, prefixed = [1.0, 1.0], [3.0, 2.0]
wanted = [[plain, prefixed], [plain, plain], [plain, prefixed]]
raise SystemExit(0 if list(seen.values()) == wanted else 1)
PY
