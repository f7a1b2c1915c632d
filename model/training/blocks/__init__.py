"""Blocks that training methods share: small functions and modules, each from one idea of the field."""
