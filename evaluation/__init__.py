"""How well a model file hears labelled recordings, clip by clip."""
