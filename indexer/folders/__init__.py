"""Folders of photos: which files belong to the library, and what to make of those that are missing."""
