"""Decode untrusted photos in separate processes, with metadata and thumbnails."""
