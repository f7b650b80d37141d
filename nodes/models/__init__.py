"""Chat models: their weights, their descriptions, and the nodes that use them."""
