"""PostgreSQL with pgvector, from version 0.8 on."""
