"""Nodes: what can stand on the canvas. Knows nothing of graphs, runs or pages."""
