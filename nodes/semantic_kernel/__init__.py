"""Semantic Kernel 1.45: its prompt functions, plugins and group chats, with our models inside."""
