"""The parts of the ingest benchmark: bodies, load and processes."""
