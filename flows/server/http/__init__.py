"""Our own addresses, their description, and pages."""
