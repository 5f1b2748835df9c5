"""What a GPU does for the server, and what each form of a model does on it."""
