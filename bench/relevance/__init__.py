"""Fit how likely a result is right, and measure how well that holds: see `python -m bench.relevance --help`."""
