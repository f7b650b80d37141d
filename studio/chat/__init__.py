"""The chat beside the canvas: what it asks, at the addresses that `patchbay serve` has."""
