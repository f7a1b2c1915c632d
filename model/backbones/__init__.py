"""The networks that turn pixels and tokens into features, and where their weights come from."""
