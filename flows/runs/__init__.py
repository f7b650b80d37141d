"""A run: planned, executed, told in events, kept."""
