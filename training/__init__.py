"""Makes the bundled model: synthesises sounds, mixes them, trains a network, judges and exports it.

Run ``python -m training --help``. docs/training.md explains the steps; docs/model.md says what came out.
"""
