"""Nodes that ask a person and go on with the answer."""
