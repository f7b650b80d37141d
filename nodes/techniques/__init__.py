"""Prompting techniques that ask a model more than once, or take its answer apart."""
