"""Distils a small sentence embedder from a larger one; see ../README.md."""
