"""Everything between a connection and a route: guards, keys, errors, limits."""
