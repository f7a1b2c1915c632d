"""Live tables: changed in place by each publication, instead of written again."""
