"""Experiments: a flow in variants over cases, checked, compared, kept, and gone on with."""
