"""The steps from an address to a library on Milvus, for `sketchseek doctor`."""

from collections.abc import Iterator

from indexer.errors import IndexProblem
from indexer.remote.address import TOKEN
from indexer.remote.database import CURRENT
from indexer.remote.diagnosis import Step, reached
from indexer.remote.milvus.connection import PORT
from indexer.remote.milvus.database import MilvusDatabase
from indexer.remote.milvus.schema import halves


def steps(database: MilvusDatabase) -> Iterator[Step]:
    """Each step stands on those before; ends with the first that fails."""
    connection = database.connection
    address, access = connection.address, connection.access
    if not address.scheme.endswith("+lite"):
        secure = address.scheme.endswith("+tls")
        for step in reached(address, access, address.port or PORT, secure=secure):
            yield step
            if not step.good:
                return
    try:
        version = database.version()
    except IndexProblem:
        yield Step(False, "the server refuses the user or the password", f"set {TOKEN} to USER:PASSWORD")
        return
    stored = "half" if halves(version) else "full"
    yield Step(True, f"Milvus {version} lets us in; vectors are stored in {stored} precision")
    try:
        current = database.pointer(CURRENT)
        names = sorted(database.generations())
    except IndexProblem as error:
        yield Step(False, str(error), "grant the user DescribeCollection, DescribeAlias, Search, and Query")
        return
    if current is None:
        yield Step(True, "nothing is published there yet")
        return
    yield Step(True, f"generation {current} of {', '.join(names)}")
    unfinished = [name for name in names if name != current and not database.read_texts(name)]
    if unfinished:
        text = f"generation {', '.join(unfinished)} was not finished"
        yield Step(True, f"{text}; the next publication removes it")
