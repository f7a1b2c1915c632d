"""What is checked of a generation around its files' hashes: which are read later, what is lost, whether it finds."""

from pathlib import Path

from indexer.errors import BrokenGeneration
from indexer.generations import generation
from indexer.generations.manifest import Manifest
from indexer.generations.photos import PHOTOS_FILE, Photos
from indexer.parts import reader as local_parts
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


def read_later(folder: Path, manifest: Manifest) -> list[Path]:
    """The files that searches read, whatever the store."""
    names = (PHOTOS_FILE, *(local_parts.FILES if manifest.parts else ()))
    return [folder / name for name in names]


def lost_file(folder: Path, manifest: Manifest) -> str | None:
    """The first file that is missing or has the wrong size."""
    for name, file in manifest.files.items():
        try:
            whole = (folder / name).stat().st_size == file.bytes
        except OSError:
            whole = False
        if not whole:
            return f"{folder / name}: not the file that was published; run sketchseek index again"
    return None


def named_in(index: Path) -> str:
    """The name in CURRENT, or "CURRENT" if it names none."""
    try:
        return generation.current(index).name
    except BrokenGeneration:
        return "CURRENT"
