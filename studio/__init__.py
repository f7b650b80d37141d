"""The studio: Streamlit pages over flows. Owns the session, and nothing else."""

if __name__ == "studio":  # its former name, found as a folder of a checkout
    from patchbay.nodes.former import become

    become("studio")
