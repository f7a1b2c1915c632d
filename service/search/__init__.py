"""From a query to results, free of HTTP, so that the command line searches the same way."""
