"""Speech and whispers, by speech synthesisers."""
