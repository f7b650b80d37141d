"""Models that run in this process through Transformers, and what changes them: bits, adapters."""
