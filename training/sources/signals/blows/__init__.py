"""What strikes, breaks or bursts."""
