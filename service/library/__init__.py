"""The library while the service runs: folders chosen in the page, runs, and watching for changes."""
