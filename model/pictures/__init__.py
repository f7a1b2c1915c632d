"""From bytes to pixels: identify a file, check that it is safe, decode it, and prepare it."""
