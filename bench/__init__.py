"""Benchmarks, not tests: each script prints figures, their conditions, and a peer or limit measured in the same run."""
