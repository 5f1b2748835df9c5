"""HTTP in and out: what a caller asks for, and what the answer says. Knows neither audio nor the model."""
