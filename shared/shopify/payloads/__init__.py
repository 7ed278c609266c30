"""REST-shaped webhook bodies, and the one way from them to nodes."""
