"""The steps from an address to a library on PostgreSQL, for `sketchseek doctor`."""

from collections.abc import Iterator

from indexer.errors import IndexProblem
from indexer.remote.database import Database
from indexer.remote.diagnosis import Step, reached, served
from indexer.remote.postgres.server import PORT, Server


def steps(server: Server, database: Database) -> Iterator[Step]:
    """Each step stands on those before; ends with the first that fails."""
    address, access = server.address, server.access
    if address.host and "host" not in address.options:
        # Only whether something listens there: PostgreSQL speaks TLS in a way of its own.
        step = next(reached(address, access, address.port or PORT, secure=False))
        yield step
        if not step.good:
            return
    try:
        version = database.version()
    except IndexProblem as error:
        text, _, advice = str(error).partition("; ")
        yield Step(False, text, advice or None)
        return
    yield Step(True, f"PostgreSQL {version} lets us in")
    if "pgvector" not in version:
        yield Step(True, "the extension vector is missing; the first publication creates it, if it may")
    yield from served(database, "grant the user SELECT on the library's tables")
