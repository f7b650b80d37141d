"""Agents: roles, their tasks, and who runs them."""
