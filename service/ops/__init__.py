"""Operations: logs, metrics, signals, memory."""
