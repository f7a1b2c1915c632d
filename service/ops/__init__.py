"""Running the service: logs, metrics, signals, memory, re-indexing."""
