"""Models that stand in for each other."""
