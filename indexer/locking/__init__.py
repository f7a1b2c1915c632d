"""One writer at a time, and only in a folder that is an index."""
