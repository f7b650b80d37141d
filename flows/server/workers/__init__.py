"""Several processes that share one port: a head that decides, workers that serve."""
