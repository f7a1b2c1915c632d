"""One writer at a time, in a folder that is ours."""
