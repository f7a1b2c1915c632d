"""Learners: what is trained of a tower, and how pictures and words pass through it."""
