"""Bytes of a sound file -> mono float32 blocks at the model's rate. Knows no HTTP and no model."""
