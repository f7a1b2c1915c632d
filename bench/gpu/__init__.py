"""GPU benchmarks, compared with the GPU's own limits: python -m bench gpu."""
