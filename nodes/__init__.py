"""Nodes: what can stand on the canvas. Knows nothing of graphs, runs or pages."""

if __name__ == "nodes":  # found by its folder, in a checkout
    from nodes.former import become

    become("nodes")
