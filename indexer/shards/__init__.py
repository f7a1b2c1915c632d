"""Vectors on disk, in append-only files shared by generations."""
