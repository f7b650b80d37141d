"""LlamaIndex 0.14: query engines, a chat engine and an ingestion pipeline over our models."""
