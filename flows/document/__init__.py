"""The flow document: its model, its text, its edits, and what changed. Knows no catalog."""
