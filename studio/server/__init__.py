"""What all sessions share, what one session holds, and what browsers get beside the page."""
