"""Shared by the commands: progress, checks, examples, pictures in a terminal."""
