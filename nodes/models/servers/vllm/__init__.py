"""vLLM, started by Patchbay where the flow runs."""
