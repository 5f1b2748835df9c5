"""How good the model is: figures, report, the model's page and its pictures."""
