"""Decoding untrusted photos in processes of their own, with their metadata and thumbnails."""
