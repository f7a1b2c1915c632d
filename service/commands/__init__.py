"""The commands of `sketchseek`, one module each."""
