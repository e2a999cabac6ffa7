"""Tests of the trainer: `python -m unittest discover -t . -s tests` in services/trainer."""
