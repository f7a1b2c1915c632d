"""Figures with their conditions, never a test: each script prints a peer or a limit measured in the same run."""
