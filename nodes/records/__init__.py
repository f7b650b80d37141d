"""Records: JSON, tables and databases, looked at and made over."""
