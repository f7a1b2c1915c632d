"""The subcommands of `sketchseek`, one module each; those about models have a folder of their own."""
