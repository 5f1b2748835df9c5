"""The network: how it is trained, and how it becomes the model file."""
