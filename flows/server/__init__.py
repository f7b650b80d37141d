"""Flows for other programs: a shell around the engine that speaks HTTP, OpenAI's protocol and MCP.

Nothing runs here that the engine could not run without it. `app.py` puts the parts together.
"""
