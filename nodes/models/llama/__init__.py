"""Quantized models that llama.cpp runs in this process."""
