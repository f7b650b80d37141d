"""A flow seen through a catalog: resolved, described, and everything that is wrong with it."""
