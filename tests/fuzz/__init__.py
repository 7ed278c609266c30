"""Anything at all sent to the receiver: never a 5xx, never an unhandled exception."""
