"""Chat models: their descriptions, what opens them, and the nodes that ask them."""
