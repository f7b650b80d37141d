"""Logic: which way a flow goes, and flows within flows."""
