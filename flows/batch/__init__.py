"""A flow over the rows of a table: read, run, written, and gone on with after whatever stopped it.

`api.py` is the way in. Rows come from `rows.py`, what they give is kept in a `Spool` until all of
them are done, and `tables.py` makes the wanted file of it.
"""
