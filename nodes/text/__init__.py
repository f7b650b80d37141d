"""Text: put texts together and take them apart."""
