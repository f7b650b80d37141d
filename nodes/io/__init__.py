"""Input and output: what a flow asks its caller for, what it gives back, and files."""
