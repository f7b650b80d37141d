"""A server under load by clients that behave badly: `make test-load`."""
