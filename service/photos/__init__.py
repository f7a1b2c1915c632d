"""Originals and thumbnails, sent safely."""
