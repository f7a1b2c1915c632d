"""Subcommands that make models or measure them; they need the extra `train`."""
