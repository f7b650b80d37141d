"""The studio: Streamlit pages over flows. Owns the session, and nothing else."""

if __name__ == "studio":  # its former name, found as a folder of a checkout
    import runpy

    runpy.run_path(f"{__path__[0]}/../nodes/checkout.py")["become"]("studio")
