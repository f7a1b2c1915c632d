"""Photos that show the same picture, found by perceptual hash and vector."""
