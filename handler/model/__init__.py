"""A model file, loaded, in the form that is served."""
