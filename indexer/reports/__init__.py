"""Progress of a run, and the report it leaves."""
