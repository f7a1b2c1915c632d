"""Benchmarks of a GPU, beside the GPU's own limits: python -m bench gpu."""
