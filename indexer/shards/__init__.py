"""Vectors on disk, in append-only files that outlive generations."""
