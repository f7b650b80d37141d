"""Hosted models, by LangChain's names for them."""
