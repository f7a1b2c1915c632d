"""Operations: logs, metrics, signals, memory, reindexing."""
