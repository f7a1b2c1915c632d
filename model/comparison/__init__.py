"""Training methods side by side: the same towers, pictures and steps, one table. `sketchseek compare`."""
