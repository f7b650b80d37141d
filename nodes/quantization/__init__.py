"""Quantization: numbers in fewer bits, and what that loses."""
