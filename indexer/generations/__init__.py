"""Published indexes: write, verify, open, roll back, and remove them."""
