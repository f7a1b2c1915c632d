"""From bytes to pixels: what a file is, whether it can be trusted, and how it is decoded and prepared."""
