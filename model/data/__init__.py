"""Drawings, photos and class names on disk, and how they are split into seen and unseen classes."""
