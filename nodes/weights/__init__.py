"""From a reference in `weights` to a checked file on this machine. Knows no model."""
