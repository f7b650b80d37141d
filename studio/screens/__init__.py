"""One module per page. (Streamlit would take a folder named `pages` for pages of its own.)"""
