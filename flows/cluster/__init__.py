"""Other processes and machines: Ray, the models that live there, and the flows that run there.

What is a batch, an experiment or a server is no business of this room; they use it.
"""
