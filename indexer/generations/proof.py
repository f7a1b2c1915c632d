"""The last check of a generation that is opened, for errors that valid checksums cannot rule out."""

from pathlib import Path

from indexer.errors import BrokenGeneration
from indexer.generations.manifest import Manifest
from indexer.generations.photos import Photos
from indexer.stores.biased import BiasedStore


def prove(index: Path, manifest: Manifest, store: BiasedStore, photos: Photos) -> None:
    """Check that counts agree and a stored vector finds itself."""
    if not len(store) == len(photos) == manifest.photos:
        raise BrokenGeneration(f"{index}: numbers of vectors and photos differ; run sketchseek index again")
    canary = store.sample()
    if canary is None:
        return
    number, vector = canary
    found, scores = store.search(vector, 1)
    # A copy of the canary may come first, but then it must score the same.
    if int(found[0, 0]) != number and float(scores[0, 0]) < 0.999 * float((vector @ vector.T)[0, 0]):
        raise BrokenGeneration(f"{index}: a search does not find a stored vector; run sketchseek index again")
