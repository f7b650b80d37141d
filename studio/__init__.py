"""The studio: Streamlit pages over flows. Owns the session, and nothing else."""
