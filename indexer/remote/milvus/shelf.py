"""Opens addresses of libraries on Milvus."""

from indexer.address import Access, Address
from indexer.errors import IndexProblem
from indexer.remote.milvus.database import MilvusDatabase
from indexer.remote.shelf import RemoteShelf
from indexer.stores.placement import Placement


def milvus_shelf(text: str, placement: Placement, access: Access) -> RemoteShelf:
    """The library at milvus://[USER@]HOST[:PORT]/NAME, or milvus+tls://…; what searches it is the server's matter."""
    address = Address.parse(text)
    if not address.host and not address.scheme.endswith("+lite"):
        raise IndexProblem(
            "the address of the store is wrong: it names no host; write milvus://HOST:19530/NAME"
        )
    return RemoteShelf(MilvusDatabase(address, access), str(address))
