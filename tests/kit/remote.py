"""Libraries on servers: publish one from the stand-in model, and remove what a test left there."""

from dataclasses import dataclass
from pathlib import Path

from indexer import Silent, run
from indexer.address import Access
from indexer.library import shelf
from indexer.remote.database import CURRENT, HELD
from indexer.remote.shelf import RemoteShelf
from model import Encoder
from tests.kit.engines.milvus import MilvusServer


@dataclass(frozen=True)
class Stored:
    """Photos, the folder where the indexer works, and the server that has the library."""

    photos: Path
    work: Path
    server: MilvusServer
    address: str

    def publish(self, encoder: Encoder) -> str:
        return run(self.work, [self.photos], encoder, Silent(), store=self.address).generation or ""


def store(address: str, access: Access | None = None) -> RemoteShelf:
    """The shelf at an address, without waiting for services that may still search older generations."""
    kept_on = shelf(address, access=access)
    assert isinstance(kept_on, RemoteShelf)
    kept_on.grace = None
    return kept_on


def wipe(kept_on: RemoteShelf) -> None:
    """Drop all generations of a library, whatever points to them."""
    database = kept_on.database
    for pointer in (CURRENT, HELD):
        database.point(pointer, None)
    for name in database.generations():
        database.drop(name)
    database.close()


def lite(folder: Path, name: str = "library") -> str:
    """The address of a library in Milvus Lite, which needs no server."""
    folder.mkdir(parents=True, exist_ok=True)
    return f"milvus+lite://{folder}/milvus.db/{name}"
