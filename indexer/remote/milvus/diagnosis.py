"""The steps from an address to a library on Milvus, for `sketchseek doctor`."""

from collections.abc import Iterator

from indexer.address import TOKEN
from indexer.errors import IndexProblem, StoreUnavailable
from indexer.remote.database import Database
from indexer.remote.diagnosis import Step, reached, served
from indexer.remote.milvus.connection import PORT, Connection
from indexer.remote.milvus.schema import halves


def steps(connection: Connection, database: Database) -> Iterator[Step]:
    """Each step stands on those before; ends with the first that fails."""
    address, access = connection.address, connection.access
    if not address.scheme.endswith("+lite"):
        secure = address.scheme.endswith("+tls")
        for step in reached(address, access, address.port or PORT, secure=secure):
            yield step
            if not step.good:
                return
    try:
        version = database.version()
    except IndexProblem as error:
        if connection.hangs():
            text, advice = (
                "the server accepts connections, but does not answer",
                "look at its log; restart it",
            )
        elif isinstance(error, StoreUnavailable):
            text, advice = "the server refuses the user or the password", f"set {TOKEN} to USER:PASSWORD"
        else:
            text, advice = str(error), None
        yield Step(False, text, advice)
        return
    stored = "half" if halves(version) else "full"
    yield Step(True, f"Milvus {version} lets us in; vectors are stored in {stored} precision")
    yield from served(database, "grant the user DescribeCollection, DescribeAlias, Search, and Query")
