"""Generations: an immutable, checksummed index, published whole or not at all.

A publication writes a temporary folder, syncs each file, writes the manifest last, renames, and only then lets
CURRENT name it. Whoever reads sees the old generation or the new one, never a mixture, also after a power cut.
A second line in CURRENT says that somebody rolled back to this generation; nothing newer is published over it.
"""

import re
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from indexer.disk import read_plain, sync
from indexer.errors import BrokenGeneration, NoIndex
from indexer.generations import numbering
from indexer.generations.manifest import MANIFEST, Manifest, damage, read_manifest, seal_manifest
from indexer.reports.times import now

PART = "part.json"
_HELD = "rolled back from"


def current(index: Path) -> Path:
    """The folder of the generation to serve."""
    name, _ = _pointer(index)
    return index / "generations" / name


def held(index: Path) -> str | None:
    """Why nothing newer is published here; None where nobody rolled back."""
    try:
        return _pointer(index)[1] or None
    except (NoIndex, BrokenGeneration):
        return None


def _pointer(index: Path) -> tuple[str, str]:
    pointer = index / "CURRENT"
    try:
        name, _, remark = read_plain(pointer).decode().strip().partition("\n")
    except FileNotFoundError:
        raise NoIndex(_explain_absence(index)) from None
    except UnicodeDecodeError:
        name, remark = "", ""
    except OSError as error:
        raise NoIndex(f"{pointer}: cannot be read ({error}); run sketchseek index again") from None
    if not re.fullmatch(r"[0-9]{6,}", name):
        raise BrokenGeneration(f"{pointer}: names no generation; run sketchseek index again")
    return name, remark


def _explain_absence(index: Path) -> str:
    command = f"sketchseek index PHOTOS --index {index}"
    if not index.exists():
        return f"{index}: no such folder; make an index there with: {command}"
    if (index / PART).exists():
        return f"{index}: one part of a library, which is not served; sketchseek merge makes an index of all parts"
    if (index / "catalogue.sqlite").exists():
        return f"{index}: nothing has been published here yet; finish it with: {command}"
    return f"{index}: not an index (it has no file CURRENT); make one with: {command}"


def generations(index: Path) -> list[Path]:
    """All that were published and not removed since, the newest first."""
    folder = index / "generations"
    return sorted(_finished(folder), key=_number, reverse=True) if folder.is_dir() else []


def publish(index: Path, write: Callable[[Path, str], Manifest]) -> Manifest:
    """Lets `write` fill a new folder, then makes that the generation to serve."""
    folder = index / "generations"
    folder.mkdir(exist_ok=True)
    _clear_leftovers(folder)
    name = f"{numbering.highest(index) + 1:06d}"
    temporary = folder / f"{name}.tmp"
    temporary.mkdir()
    try:
        manifest = write(temporary, name)
        for path in temporary.iterdir():
            sync(path)
        (temporary / MANIFEST).write_bytes(seal_manifest(manifest))
        sync(temporary / MANIFEST)
        sync(temporary)
        numbering.remember(index, int(name))
    except BaseException:
        # What half filled the disk shall not keep the next run from publishing.
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    temporary.rename(folder / name)
    sync(folder)
    _point(index, name)
    return manifest


def rollback(index: Path) -> tuple[str, str]:
    """Serves the newest intact generation before the current one, and holds it; returns old and new name."""
    try:
        serving = current(index).name
    except BrokenGeneration:
        serving = f"{_number(generations(index)[0]) + 1:06d}" if generations(index) else "000000"
    for folder in generations(index):
        if _number(folder) < int(serving) and not damage(folder):
            _point(index, folder.name, f"{_HELD} {serving} at {now()}")
            return serving, folder.name
    raise NoIndex(f"{index}: there is no intact generation before {serving} to go back to")


def release(index: Path) -> str:
    """Takes back that a generation is held: the next run publishes again."""
    name = current(index).name
    _point(index, name)
    return name


def prune(index: Path, keep: int = 2) -> list[str]:
    """Removes all but so many generations, the newest; never the one that CURRENT names. Returns their names."""
    serving = current(index)
    others = [folder for folder in generations(index) if folder != serving]
    if others[max(0, keep - 1) :]:
        numbering.remember(index, numbering.highest(index))
    for folder in others[max(0, keep - 1) :]:
        remove(folder)
    return [folder.name for folder in reversed(others[max(0, keep - 1) :])]


def remove(folder: Path) -> None:
    """One that is not served; under its new name it is no generation any more, whatever happens next."""
    leftover = folder.with_suffix(".tmp")
    folder.rename(leftover)
    shutil.rmtree(leftover)


def fingerprints(index: Path) -> set[str]:
    """The models whose vectors the generations that are kept hold; of a damaged one nobody can tell."""
    found = set()
    for folder in generations(index):
        with suppress(BrokenGeneration):
            found.add(read_manifest(folder).fingerprint)
    return found


def _number(folder: Path) -> int:
    return int(folder.name)


def _finished(folder: Path) -> list[Path]:
    """Folders that are publications of ours by name and by content; nothing else is ever removed."""
    return [path for path in _numbered(folder) if (path / MANIFEST).is_file()]


def _numbered(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if re.fullmatch(r"[0-9]{6,}", path.name)]


def _clear_leftovers(folder: Path) -> None:
    for path in folder.iterdir():
        if re.fullmatch(r"\d{6,}\.tmp", path.name) and path.is_dir():
            shutil.rmtree(path)


def _point(index: Path, name: str, remark: str = "") -> None:
    temporary = index / "CURRENT.tmp"
    temporary.write_text(f"{name}\n{remark}".rstrip() + "\n", encoding="utf-8")
    sync(temporary)
    temporary.replace(index / "CURRENT")
    sync(index)
