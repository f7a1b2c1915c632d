"""Training a model: recipes, losses, sampling, checkpoints, publication."""
