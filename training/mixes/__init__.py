"""Mixes single sounds into labelled clips, as they are recorded and coded."""
