"""OpenAI's protocol: models, chat completions, responses and embeddings, for clients that speak it.

After OpenAI's API reference as of 2026, and what its Python library, LiteLLM and Open WebUI read.
"""
