"""The pipelines that new nodes hold, as files and as they are read: nobody has to read them.

The catalog asks for the ports of every new node; without this it would import a reader of YAML.
"""

from __future__ import annotations

from typing import Any

PIPELINE = """\
components:
  prompt:
    type: haystack.components.builders.chat_prompt_builder.ChatPromptBuilder
    init_parameters:
      template:
        - role: user
          content: "Answer briefly: {{ question }}"
  llm:
    type: haystack.components.generators.chat.openai.OpenAIChatGenerator
connections:
  - sender: prompt.prompt
    receiver: llm.messages
"""
RETRIEVER = """\
components:
  find:
    type: haystack.components.retrievers.in_memory.bm25_retriever.InMemoryBM25Retriever
    init_parameters:
      top_k: 6
      document_store:
        type: haystack.document_stores.in_memory.document_store.InMemoryDocumentStore
        init_parameters: {}
  order:
    type: haystack.components.rankers.lost_in_the_middle.LostInTheMiddleRanker
    init_parameters:
      top_k: 4
connections:
  - sender: find.documents
    receiver: order.documents
"""
READ: dict[str, Any] = {
    PIPELINE: {
        "components": {
            "prompt": {
                "type": "haystack.components.builders.chat_prompt_builder.ChatPromptBuilder",
                "init_parameters": {
                    "template": [{"role": "user", "content": "Answer briefly: {{ question }}"}]
                },
            },
            "llm": {"type": "haystack.components.generators.chat.openai.OpenAIChatGenerator"},
        },
        "connections": [{"sender": "prompt.prompt", "receiver": "llm.messages"}],
    },
    RETRIEVER: {
        "components": {
            "find": {
                "type": "haystack.components.retrievers.in_memory.bm25_retriever.InMemoryBM25Retriever",  # noqa: E501
                "init_parameters": {
                    "top_k": 6,
                    "document_store": {
                        "type": "haystack.document_stores.in_memory.document_store.InMemoryDocumentStore",  # noqa: E501
                        "init_parameters": {},
                    },
                },
            },
            "order": {
                "type": "haystack.components.rankers.lost_in_the_middle.LostInTheMiddleRanker",
                "init_parameters": {"top_k": 4},
            },
        },
        "connections": [{"sender": "find.documents", "receiver": "order.documents"}],
    },
}
"""What the files say; a test reads them to compare."""
