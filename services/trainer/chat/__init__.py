"""Trains the small chat model; see ../README.md."""
