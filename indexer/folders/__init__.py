"""Photo folders: which files belong to the library, and how to handle missing ones."""
