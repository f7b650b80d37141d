"""Addresses of Flowise and Langflow, so that their clients work by changing the base address."""
