"""Parts of a library, each embedded on its own machine: the `part.json` that describes a finished one.

It is written last, with the size and hash of the catalogue and of every shard, so that a part that is unfinished,
partly copied, or damaged does not match it.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from indexer.catalogue.database import Catalogue
from indexer.disk import read_plain, sync
from indexer.errors import BrokenGeneration, IndexProblem, NoIndex, WrongModel
from indexer.folders.partition import Partition
from indexer.generations.generation import PART
from indexer.locking.opening import CATALOGUE
from indexer.reports.times import now
from indexer.sealing import File, describe_file, sealed
from indexer.shards.banks import bank_path
from indexer.shards.shard import Origin
from model.bank import Bank, read_bank

FORMAT = 2
# Without local parts.
_WITHOUT_PARTS = 1


@dataclass(frozen=True)
class Part:
    """A finished part. `roots` are its photo folders, each with its scan rules."""

    format: int
    partition: str
    created: str
    model: str
    fingerprint: str
    dimension: int
    roots: dict[str, Any]
    photos: int
    files: dict[str, File]
    # See `Origin`.
    parts: str = ""
    part_bytes: int = 0

    @property
    def origin(self) -> Origin:
        return Origin(self.model, self.fingerprint, self.dimension, self.parts, self.part_bytes)

    @property
    def place(self) -> Partition:
        return Partition.parse(self.partition)


def describe(catalogue: Catalogue, part: Partition, origin: Origin) -> Part:
    """Describe a part, except for its files."""
    roots = {str(root): asdict(catalogue.root(root).rules) for root in catalogue.roots()}
    photos = catalogue.count(origin.fingerprint)
    form = FORMAT if origin.parts else _WITHOUT_PARTS
    return Part(form, str(part), now(), **vars(origin), roots=roots, photos=photos, files={})


def seal(index: Path, part: Part) -> Part:
    """Write `part.json`; the index must be locked and its catalogue closed."""
    before = _files_before(index)
    files = {CATALOGUE: describe_file(index / CATALOGUE)}
    for path in (path for one in part.origin.series_in(index) for _, path in sorted(one.shards().items())):
        name, known = path.relative_to(index).as_posix(), before.get(path.relative_to(index).as_posix())
        # Shards never change after their run, and there may be many gigabytes of them.
        files[name] = known if known and known.bytes == path.stat().st_size else describe_file(path)
    if (bank := bank_path(index, part.origin)).exists():
        files[bank.relative_to(index).as_posix()] = describe_file(bank)
    whole = Part(**{**vars(part), "files": files})
    temporary = index / f"{PART}.tmp"
    temporary.write_bytes(_sealed(whole))
    sync(temporary)
    temporary.replace(index / PART)
    sync(index)
    return whole


def read(folder: Path) -> Part:
    """Read `part.json` and check it: the catalogue by hash, the shards by size."""
    part = parse(folder)
    for name, file in part.files.items():
        try:
            same = (folder / name).stat().st_size == file.bytes
        except OSError:
            same = False
        if not same or (name == CATALOGUE and describe_file(folder / name) != file):
            raise _unfinished(folder, part, name)
    log = folder / f"{CATALOGUE}-wal"
    if log.exists() and log.stat().st_size:
        raise _unfinished(folder, part, log.name)
    return part


def parse(folder: Path) -> Part:
    """Read `part.json` without checking the files that it lists."""
    try:
        data = read_plain(folder / PART)
    except OSError as error:
        what = (
            "a whole index, not a part" if (folder / "CURRENT").exists() else f"not a part ({error.strerror})"
        )
        command = f"sketchseek index PHOTOS --partition 1/N --index {folder}"
        raise NoIndex(f"{folder}: {what}; make one with {command}") from None
    return _parsed(folder, data)


def bank_of(folder: Path, part: Part) -> Bank | None:
    """The bank that the part's model had; None without one, as in parts made by older versions."""
    path = bank_path(folder, part.origin)
    if path.relative_to(folder).as_posix() not in part.files:
        return None
    check_file(folder, part, path)
    return read_bank(path, part.fingerprint, part.dimension)


def check_file(folder: Path, part: Part, path: Path) -> None:
    """Check every byte of a file before it is used."""
    name = path.relative_to(folder).as_posix()
    if part.files.get(name) != describe_file(path):
        raise BrokenGeneration(f"{path}: changed since its run; copy it again, or delete it and {_RUN}")


def check_together(folders: Sequence[Path], parts: Sequence[Part]) -> None:
    """Raise unless these are all the parts of one library, made by one model."""
    first, at = parts[0], folders[0]
    seen: dict[Partition, Path] = {}
    for folder, part in zip(folders, parts, strict=True):
        if part.place.of != first.place.of:
            raise IndexProblem(f"{folder}: is part {part.partition}, but {at} is part {first.partition}")
        if part.fingerprint != first.fingerprint:
            raise WrongModel(
                f"{folder}: made by model {part.model} ({part.fingerprint}), but {at} by {first.model} "
                f"({first.fingerprint}); run all parts with one model"
            )
        if part.roots != first.roots:
            ours, theirs = _listed(part), _listed(first)
            detail = f"{ours}, but {theirs}" if ours != theirs else "the same folders with other options"
            raise IndexProblem(
                f"{folder}: made from other photo folders than {at}: {detail}; "
                "run all parts with the same folders, paths, and options"
            )
        if part.place in seen:
            raise IndexProblem(
                f"{folder}: is part {part.partition}, and so is {seen[part.place]}; give each part once"
            )
        seen[part.place] = folder
    missing = sorted({*range(1, first.place.of + 1)} - {place.number for place in seen})
    if missing:
        names = ", ".join(f"{number}/{first.place.of}" for number in missing)
        raise IndexProblem(f"part {names} is missing; merge all parts of a library at once")


def common_origin(parts: Sequence[Part]) -> Origin:
    """The model of all parts, with the first local head that any has: those without it have no local parts yet."""
    return next((part for part in parts if part.parts), parts[0]).origin


_RUN = "run sketchseek index on it again"


def _listed(part: Part) -> str:
    return ", ".join(sorted(part.roots)) or "none"


def _unfinished(folder: Path, part: Part, name: str) -> IndexProblem:
    return IndexProblem(
        f"{folder}: part {part.partition} changed since its last finished run ({name}); {_RUN}, "
        "or copy the whole folder again"
    )


def _parsed(folder: Path, data: bytes) -> Part:
    try:
        raw = json.loads(data)
        seal = raw.pop("seal")
        files = {name: File(**entry) for name, entry in raw.pop("files").items()}
        part = Part(files=files, **raw) if raw["format"] in (_WITHOUT_PARTS, FORMAT) else None
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise BrokenGeneration(f"{folder / PART}: damaged; {_RUN}, or copy it again") from None
    if part is None:
        raise BrokenGeneration(f"{folder / PART}: written by another version of sketchseek; {_RUN}")
    if not seal or data != _sealed(part):
        raise BrokenGeneration(f"{folder / PART}: damaged; {_RUN}, or copy it again")
    return part


def _sealed(part: Part) -> bytes:
    fields: dict[str, Any] = asdict(part)
    if part.format == _WITHOUT_PARTS:
        del fields["parts"], fields["part_bytes"]
    return sealed(fields)


def _files_before(index: Path) -> dict[str, File]:
    try:
        return parse(index).files
    except IndexProblem:
        return {}
