"""What a generation holds, down to the hash of each file, and how that is checked."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from indexer.disk import read_plain
from indexer.errors import BrokenGeneration
from indexer.sealing import File, describe_file, sealed
from indexer.stores.registry import Stores

MANIFEST = "manifest.json"
FORMAT = 2


@dataclass(frozen=True)
class Manifest:
    """What a generation holds, and which model its vectors come from."""

    format: int
    generation: str
    created: str
    model: str
    fingerprint: str
    dimension: int
    store: str
    photos: int
    revision: int
    files: dict[str, File]
    index_type: str = "auto"
    effort: int = 0
    recall: float = 1.0


def read_manifest(folder: Path) -> Manifest:
    path = folder / MANIFEST
    try:
        data = read_plain(path)
        raw = json.loads(data)
        newer = raw["format"] > FORMAT
        files = {name: File(**entry) for name, entry in raw.pop("files").items()}
        seal = raw.pop("seal", None)
        manifest = None if newer or raw["format"] < FORMAT else Manifest(files=files, **raw)
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise BrokenGeneration(f"{path}: not a manifest ({error}); run sketchseek index again") from None
    if manifest is None:
        age, remedy = ("newer", "upgrade it") if newer else ("older", "run sketchseek index again")
        raise BrokenGeneration(f"{path}: format {raw['format']} is {age} than this sketchseek's; {remedy}")
    if data != seal_manifest(manifest) or seal is None:
        raise BrokenGeneration(f"{path}: not the manifest that was published; run sketchseek index again")
    Stores().of(manifest.store, path)
    return manifest


def seal_manifest(manifest: Manifest) -> bytes:
    """The one way to write a manifest down."""
    return sealed(asdict(manifest))


def damage(folder: Path) -> list[str]:
    """Everything in a generation that is not what was published, a line for each file."""
    try:
        manifest = read_manifest(folder)
    except BrokenGeneration as error:
        return [str(error)]
    found = []
    for name in manifest.files:
        try:
            check_file(folder, manifest, name)
        except BrokenGeneration as error:
            found.append(str(error))
    return found


def check_file(folder: Path, manifest: Manifest, name: str) -> None:
    if describe_file(folder / name) != manifest.files[name]:
        raise BrokenGeneration(
            f"{folder / name}: not the file that was published; run sketchseek index again"
        )


def verify(folder: Path) -> Manifest:
    """Checks every byte of a generation against its manifest. FAISS itself would notice almost nothing."""
    manifest = read_manifest(folder)
    # What was cut short shows before a gigabyte is hashed.
    for name in sorted(manifest.files, key=lambda name: _is_of_size(folder / name, manifest.files[name])):
        check_file(folder, manifest, name)
    return manifest


def _is_of_size(path: Path, file: File) -> bool:
    try:
        return path.stat().st_size == file.bytes
    except OSError:
        return False


def identity(folder: Path) -> str:
    """Tells publications apart also where an index was deleted and made again under the same numbers."""
    return describe_file(folder / MANIFEST).sha256


def describe(folder: Path) -> dict[str, File]:
    """Sizes and hashes of all that has been written into a generation's folder."""
    return {path.name: describe_file(path) for path in sorted(folder.iterdir())}
