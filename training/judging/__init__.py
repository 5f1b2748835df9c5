"""How good the model is: thresholds, figures, and the reports that hold them."""
