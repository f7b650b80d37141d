"""Evaluation: labelled data, and how often answers are right."""
