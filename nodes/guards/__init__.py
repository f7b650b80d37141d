"""Guards: what may come in, and what may go out."""
