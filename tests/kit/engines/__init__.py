"""Real engines for tests, each a process of the test's own: a Milvus server, a PostgreSQL."""
