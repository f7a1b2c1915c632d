"""Opens addresses of libraries on PostgreSQL."""

from indexer.address import Access, Address
from indexer.errors import IndexProblem
from indexer.remote.postgres.database import PostgresDatabase
from indexer.remote.postgres.server import OPTIONS
from indexer.remote.shelf import RemoteShelf
from indexer.stores.placement import Placement


def postgres_shelf(text: str, placement: Placement, access: Access) -> RemoteShelf:
    """The library at postgresql://[USER@]HOST[:PORT]/DATABASE/NAME, or postgresql+tls://…"""
    address = Address.parse(text, OPTIONS)
    if not address.above.strip("/"):
        raise IndexProblem(
            "the address of the store is wrong: it names no database; use postgresql://HOST/DATABASE/NAME"
        )
    return RemoteShelf(PostgresDatabase(address, access), str(address))
