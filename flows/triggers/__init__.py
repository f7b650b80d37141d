"""What starts flows by itself: a schedule, or a webhook. Both stand in settings."""
