"""Values, traces and runs, drawn as what they are."""
