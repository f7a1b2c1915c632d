"""From a query to results, independent of HTTP, so that the command line searches the same way."""
