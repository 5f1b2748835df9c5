"""HTTP in and out: what a caller asked for, and what is answered. Knows neither audio nor the model."""
