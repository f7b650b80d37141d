"""Haystack 3.4: its pipelines as nodes, with our models inside and our ports around them."""
