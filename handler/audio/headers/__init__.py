"""What the first bytes of a sound file say: which container it is, and what its header claims."""
