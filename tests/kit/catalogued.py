"""A library without pictures: photos straight in the catalogue, and their vectors in a shard."""

from collections.abc import Sequence
from pathlib import Path

from indexer.catalogue.database import Catalogue
from indexer.catalogue.records import Root
from indexer.collection import Collection
from indexer.decoding.metadata import Metadata
from indexer.duplicates.signatures import Signatures
from indexer.folders.scan import Found
from indexer.locking.opening import CATALOGUE
from indexer.shards.shard import Origin
from model.modality import Vectors

ROOT = Path("/photos")


def opened(index: Path, dimension: int) -> Collection:
    """What is catalogued in a folder, which is made if it is missing; close its catalogue in the end."""
    index.mkdir(exist_ok=True)
    return Collection(index, Origin("made up", "0123456789abcdef", dimension), Catalogue(index / CATALOGUE))


def add(
    collection: Collection, contents: Sequence[int], vectors: Vectors, looks: Signatures, *, copies: int = 1
) -> None:
    """Add photos of these contents in a shard of their own, each under as many names."""
    origin, catalogue = collection.origin, collection.catalogue
    series = origin.vectors_in(collection.folder)
    with (
        series.writer(above=max(catalogue.shards(series.key), default=0)) as shard,
        catalogue.transaction(),
    ):
        catalogue.remember_root(ROOT, Root())
        places = shard.append([f"{content:032x}" for content in contents], vectors)
        for place, look in zip(places, looks, strict=True):
            catalogue.add_vector(origin.fingerprint, place, (640, 480), look.tobytes())
            for copy in range(copies):
                found = Found(ROOT, f"{copy}/{place.content}.jpg", 1, 0)
                catalogue.record(found, content=place.content, metadata=Metadata())
