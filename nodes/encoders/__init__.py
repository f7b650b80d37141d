"""Nodes over encoders: CLIP for pictures and texts, BERT for masks, and looks at their vectors."""
