"""Sound and pictures, heard, spoken and made by servers."""
