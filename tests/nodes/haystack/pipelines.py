"""Pipelines for the tests, as Haystack writes them."""

from __future__ import annotations

STORE = """
      document_store:
        type: haystack.document_stores.in_memory.document_store.InMemoryDocumentStore
        init_parameters: {index: shared}
"""
RAG = f"""
components:
  find:
    type: haystack.components.retrievers.in_memory.bm25_retriever.InMemoryBM25Retriever
    init_parameters:
      top_k: 2{STORE}
  prompt:
    type: haystack.components.builders.chat_prompt_builder.ChatPromptBuilder
    init_parameters:
      template:
        - _role: system
          _content: [{{text: "Use the documents."}}]
        - _role: user
          _content: [{{text: "{{% for d in documents %}}{{{{ d.content }}}} {{% endfor %}}Q: {{{{ query }}}}"}}]
  llm:
    type: haystack.components.generators.chat.openai.OpenAIChatGenerator
    init_parameters:
      api_key: {{type: env_var, env_vars: [OPENAI_API_KEY], strict: true}}
      model: gpt-5-mini
      generation_kwargs: {{temperature: 0, max_completion_tokens: 30}}
  answers:
    type: haystack.components.builders.answer_builder.AnswerBuilder
connections:
  - {{sender: find.documents, receiver: prompt.documents}}
  - {{sender: prompt.prompt, receiver: llm.messages}}
  - {{sender: llm.replies, receiver: answers.replies}}
  - {{sender: find.documents, receiver: answers.documents}}
"""  # noqa: E501
ROUTER = """
components:
  router:
    type: haystack.components.routers.conditional_router.ConditionalRouter
    init_parameters:
      routes:
        - {condition: "{{ text | length > 5 }}", output: "{{ text }}", output_name: long, output_type: str}
        - {condition: "{{ True }}", output: "{{ text }}", output_name: short, output_type: str}
connections: []
"""  # noqa: E501
