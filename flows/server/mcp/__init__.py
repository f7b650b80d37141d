"""Flows as tools of an MCP server (Model Context Protocol), over HTTP and over stdin and stdout.

Its files import `mcp`, and are themselves imported where a server starts.
"""
