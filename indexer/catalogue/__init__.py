"""The SQLite record of every photo that an index has seen."""
