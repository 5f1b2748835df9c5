"""How the bundled model is made: synthesise sources, mix them, train, judge, export.

Run ``python -m training --help``. The page docs/model.md says what came out.
"""
