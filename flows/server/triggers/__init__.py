"""Triggers of a server: what is due is started, and signed messages start flows."""
