"""Published indexes: written whole, checked, opened, rolled back and removed."""
