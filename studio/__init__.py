"""The studio: Streamlit pages over flows. Owns the session, and nothing else."""

if __name__ == "studio":  # found by its folder, in a checkout
    from nodes.former import become

    become("studio")
