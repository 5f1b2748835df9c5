"""What calls for attention: alarms, sirens, bells."""
