"""Learners: which part of a tower is trained, and how pictures and words pass through it."""
