"""HTTP, the page and the command line, over the indexer and the model."""
