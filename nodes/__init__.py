"""Nodes: what can stand on the canvas. Knows nothing of graphs, runs or pages."""

if __name__ == "nodes":  # its former name, found as a folder of a checkout
    from patchbay.nodes.former import become

    become("nodes")
