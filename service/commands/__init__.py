"""The subcommands of `sketchseek`, one module each."""
