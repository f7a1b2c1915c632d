"""Generations: an immutable, checksummed index, published whole or not at all.

A publication writes a temporary folder, syncs each file, writes the manifest last, renames, and only then lets
CURRENT name it. Whoever reads sees the old generation or the new one, never a mixture, also after a power cut.
"""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from indexer.disk import sync
from indexer.errors import BrokenGeneration, NoIndex

MANIFEST = "manifest.json"
FORMAT = 1


@dataclass(frozen=True)
class File:
    """A published file as it must be."""

    bytes: int
    sha256: str


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


def current(index: Path) -> Path:
    """The folder of the generation to serve."""
    pointer = index / "CURRENT"
    try:
        name = pointer.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        raise NoIndex(_explain_absence(index)) from None
    except (OSError, UnicodeDecodeError) as error:
        raise NoIndex(f"{pointer}: cannot be read ({error}); run sketchseek index again") from None
    if not name.isdecimal():
        raise BrokenGeneration(f"{pointer}: names no generation; run sketchseek index again")
    return index / "generations" / name


def _explain_absence(index: Path) -> str:
    command = f"sketchseek index PHOTOS --index {index}"
    if not index.exists():
        return f"{index}: no such folder; make an index there with: {command}"
    if (index / "catalogue.sqlite").exists():
        return f"{index}: nothing has been published here yet; finish it with: {command}"
    return f"{index}: not an index (it has no file CURRENT); make one with: {command}"


def read_manifest(folder: Path) -> Manifest:
    path = folder / MANIFEST
    try:
        raw = json.loads(path.read_bytes())
        files = {name: File(**entry) for name, entry in raw.pop("files").items()}
        manifest = Manifest(files=files, **raw)
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise BrokenGeneration(f"{path}: not a manifest ({error}); run sketchseek index again") from None
    if manifest.format != FORMAT:
        raise BrokenGeneration(f"{path}: format {manifest.format} is newer than this sketchseek; upgrade it")
    return manifest


def verify(folder: Path) -> Manifest:
    """Checks every byte of a generation against its manifest. FAISS itself would notice almost nothing."""
    manifest = read_manifest(folder)
    for name, expected in manifest.files.items():
        found = _describe(folder / name)
        if found != expected:
            raise BrokenGeneration(
                f"{folder / name}: not the file that was published; run sketchseek index again"
            )
    return manifest


def identity(folder: Path) -> str:
    """Tells publications apart also where an index was deleted and made again under the same numbers."""
    return _describe(folder / MANIFEST).sha256


def publish(index: Path, write: Callable[[Path, str], Manifest]) -> Manifest:
    """Lets `write` fill a new folder, then makes that the generation to serve."""
    generations = index / "generations"
    generations.mkdir(exist_ok=True)
    _clear_leftovers(generations)
    name = f"{max((int(path.name) for path in _finished(generations)), default=0) + 1:06d}"
    temporary = generations / f"{name}.tmp"
    temporary.mkdir()
    manifest = write(temporary, name)
    for path in temporary.iterdir():
        sync(path)
    (temporary / MANIFEST).write_text(json.dumps(asdict(manifest), indent=1), encoding="utf-8")
    sync(temporary / MANIFEST)
    sync(temporary)
    temporary.rename(generations / name)
    sync(generations)
    _point(index, name)
    return manifest


def describe(folder: Path) -> dict[str, File]:
    """Sizes and hashes of all that has been written into a generation's folder."""
    return {path.name: _describe(path) for path in sorted(folder.iterdir())}


def prune(index: Path, keep: int = 2) -> None:
    """Removes all but the newest generations; never the one that CURRENT names."""
    serving = current(index)
    finished = sorted(path for path in _finished(index / "generations") if path != serving)
    for folder in finished[: max(0, len(finished) - (keep - 1))]:
        shutil.rmtree(folder)


def fingerprints(index: Path) -> set[str]:
    """The models whose vectors the generations that are kept hold; of a damaged one nobody can tell."""
    found = set()
    for folder in _finished(index / "generations"):
        with suppress(BrokenGeneration):
            found.add(read_manifest(folder).fingerprint)
    return found


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _finished(generations: Path) -> list[Path]:
    """Folders that are publications of ours by name and by content; nothing else is ever removed."""
    named = [path for path in generations.iterdir() if re.fullmatch(r"\d{6,}", path.name)]
    return [path for path in named if (path / MANIFEST).is_file()]


def _clear_leftovers(generations: Path) -> None:
    for path in generations.iterdir():
        if re.fullmatch(r"\d{6,}\.tmp", path.name) and path.is_dir():
            shutil.rmtree(path)


def _point(index: Path, name: str) -> None:
    temporary = index / "CURRENT.tmp"
    temporary.write_text(f"{name}\n", encoding="utf-8")
    sync(temporary)
    temporary.replace(index / "CURRENT")
    sync(index)


def _describe(path: Path) -> File:
    try:
        with path.open("rb") as opened:
            digest = hashlib.file_digest(opened, "sha256").hexdigest()
            return File(bytes=os.fstat(opened.fileno()).st_size, sha256=digest)
    except OSError as error:
        raise BrokenGeneration(
            f"{path}: cannot be read ({error.strerror}); run sketchseek index again"
        ) from None
