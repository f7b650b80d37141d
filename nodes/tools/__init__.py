"""Tools that agents use: what each can do, and within which bounds."""
