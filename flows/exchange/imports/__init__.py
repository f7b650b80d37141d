"""Flows of other builders, read as data: reader → neutral graph → table → flow and report."""
