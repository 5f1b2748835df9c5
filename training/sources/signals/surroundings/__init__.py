"""Animals, people, machines, water, weather and noise."""
