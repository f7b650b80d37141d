"""Retrieval: documents, chunks, embeddings, indexes, and answers with sources."""
