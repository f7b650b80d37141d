"""Training: data sets, adapters and models that are made from them, as nodes."""
