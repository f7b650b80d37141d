"""Ray, models and flows on it."""
