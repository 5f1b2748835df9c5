"""Writes what judging found into pages and pictures."""
