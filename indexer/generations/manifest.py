"""The manifest of a generation, with the hash of each file, and its verification."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from indexer.disk import read_plain
from indexer.errors import BrokenGeneration
from indexer.sealing import File, describe_file, sealed
from indexer.stores.registry import Stores

MANIFEST = "manifest.json"
FORMAT = 4
# Format 3 has no local parts, and is still written where there are none; format 2 has no biases either.
WITHOUT_PARTS, _OLDEST = 3, 2


@dataclass(frozen=True)
class Manifest:
    """The contents of a generation, and the model of its vectors."""

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
    # The bank of the stored biases; empty if there are none.
    bank: str = ""
    # The local head of the stored parts, the bytes of a row, and how many photos have one; empty if there are none.
    parts: str = ""
    part_bytes: int = 0
    part_photos: int = 0

    @property
    def live(self) -> bool:
        """A generation in a folder never changes."""
        return False


def read_manifest(folder: Path) -> Manifest:
    path = folder / MANIFEST
    try:
        data = read_plain(path)
        raw = json.loads(data)
        newer = raw["format"] > FORMAT
        files = {name: File(**entry) for name, entry in raw.pop("files").items()}
        seal = raw.pop("seal", None)
        manifest = None if newer or raw["format"] < _OLDEST else Manifest(files=files, **raw)
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise BrokenGeneration(f"{path}: not a manifest ({error}); run sketchseek index again") from None
    if manifest is None:
        age, remedy = ("newer", "upgrade it") if newer else ("older", "run sketchseek index again")
        raise BrokenGeneration(f"{path}: format {raw['format']} is {age} than this sketchseek's; {remedy}")
    if data != seal_manifest(manifest) or seal is None:
        raise BrokenGeneration(f"{path}: changed after it was published; run sketchseek index again")
    Stores().of(manifest.store, path)
    return manifest


def seal_manifest(manifest: Manifest) -> bytes:
    """Serialize a manifest; the same manifest always gives the same bytes."""
    fields: dict[str, Any] = asdict(manifest)
    if manifest.format <= WITHOUT_PARTS:
        del fields["parts"], fields["part_bytes"], fields["part_photos"]
    if manifest.format == _OLDEST:
        del fields["bank"]
    return sealed(fields)


def damage(folder: Path) -> list[str]:
    """Everything in a generation that differs from what was published, one line per file."""
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
    """Verify every byte of a generation against its manifest. FAISS itself would notice almost nothing."""
    manifest = read_manifest(folder)
    # Files of the wrong size first, to fail before hashing a gigabyte.
    for name in sorted(manifest.files, key=lambda name: _is_of_size(folder / name, manifest.files[name])):
        check_file(folder, manifest, name)
    return manifest


def _is_of_size(path: Path, file: File) -> bool:
    try:
        return path.stat().st_size == file.bytes
    except OSError:
        return False


def identity(folder: Path) -> str:
    """Identify a publication, even if an index was deleted and created again with the same numbers."""
    return describe_file(folder / MANIFEST).sha256


def describe(folder: Path) -> dict[str, File]:
    """Sizes and hashes of all files in a generation's folder."""
    return {path.name: describe_file(path) for path in sorted(folder.iterdir())}
