"""Makes single sounds with their labels: the stems of all splits."""
