"""Find photos that show the same picture, by perceptual signature and vector."""
