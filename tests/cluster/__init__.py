"""Real clusters of this machine: `make test-cluster`. They take minutes."""
