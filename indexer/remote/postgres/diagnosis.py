"""The steps from an address to a library on PostgreSQL, for `sketchseek doctor`."""

from collections.abc import Iterator

from indexer.errors import IndexProblem
from indexer.remote.database import CURRENT
from indexer.remote.diagnosis import Step, reached
from indexer.remote.postgres.database import PostgresDatabase
from indexer.remote.postgres.server import PORT


def steps(database: PostgresDatabase) -> Iterator[Step]:
    """Each step stands on those before; ends with the first that fails."""
    address, access = database.server.address, database.server.access
    if address.host and "host" not in address.options:
        # Only whether something listens: PostgreSQL speaks TLS in a way of its own.
        step = next(reached(address, access, address.port or PORT, secure=False))
        yield step
        if not step.good:
            return
    try:
        version = database.version()
        yield Step(True, f"PostgreSQL {version} lets us in")
        if "pgvector" not in version:
            yield Step(True, "the extension vector is missing; the first publication creates it, if it may")
        current, names = database.pointer(CURRENT), sorted(database.generations())
        unfinished = [name for name in names if name != current and not database.read_texts(name)]
    except IndexProblem as error:
        what, _, advice = str(error).partition("; ")
        yield Step(False, what, advice or None)
        return
    if current is None:
        yield Step(True, "nothing is published there yet")
        return
    yield Step(True, f"generation {current} of {', '.join(names)}")
    if unfinished:
        text = f"generation {', '.join(unfinished)} was not finished"
        yield Step(True, f"{text}; the next publication removes it")
