"""Local parts of photos in a generation: packed rows in a file of their own, read when a search compares them."""
