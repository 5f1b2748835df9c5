"""Music and sound effects, by sound fonts."""
