"""Long runs in which something fails on purpose, with their numbers printed."""
