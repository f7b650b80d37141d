"""Nodes: what can stand on the canvas. Knows nothing of graphs, runs or pages."""

if __name__ == "nodes":  # its former name, found as a folder of a checkout
    import runpy

    runpy.run_path(f"{__path__[0]}/checkout.py")["become"]("nodes")
