"""Open flows, the flows on disk, their versions, and how they come in and go out."""
