"""Turns public checkpoints into model files that the handler serves: `python -m importers --help`."""
