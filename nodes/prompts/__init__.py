"""Prompts: how texts for a model are put together."""
