"""Libraries on a database server, which many services share: see `database` for what a server must do."""
