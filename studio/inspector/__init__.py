"""What the canvas's inspector is told: the fields of every kind, and what is known of one node."""
