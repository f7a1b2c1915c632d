"""One interface to every collection of sketches and photos: a `Dataset` is a named list of `Record`s.

To read one: `read_folder` (photos/<class>, sketches/<class>), `read_manifest` (a CSV with one row per image)
and `benchmarks.read_benchmark` (the official layouts); `benchmarks.open_dataset` picks the right one.

Classes whose names differ only in spelling (case, spaces, underscores, hyphens, a leading article) become one
label, and `remarks` says so. A class folder without photos is an error, as is anything that seems half
unpacked; a class with a single image is kept, with a remark.
"""

import csv
import json
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from model.data.labels import key, same_names, spoken
from model.errors import SketchseekError
from model.pictures.formats import SUFFIXES

PHOTO, SKETCH = "photo", "sketch"
COLUMNS = ("set", "modality", "class", "label", "path", "pair_id", "note")
UNRECOGNIZED = "unrecognized"


class DataProblem(SketchseekError):
    """Training or test data is missing, half unpacked, or contradictory."""


@dataclass(frozen=True)
class Record:
    """One image: where it is, what it shows, and which images show the very same thing (`pair`)."""

    path: Path
    modality: str
    label: str
    pair: str | None = None
    set: str = ""
    note: str = ""


@dataclass(frozen=True)
class Counts:
    sketches: int = 0
    photos: int = 0


@dataclass(frozen=True)
class Dataset:
    name: str
    records: tuple[Record, ...]
    merges: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.records)

    @property
    def labels(self) -> tuple[str, ...]:
        return tuple(sorted({record.label for record in self.records}))

    @property
    def remarks(self) -> tuple[str, ...]:
        """What users who train or test on this data should know, one line each."""
        lone = [label for label, found in self.counts().items() if found.sketches + found.photos == 1]
        if not lone:
            return self.merges
        return (*self.merges, f"{self.name}: {len(lone)} classes have only one image: {first_few(lone)}")

    def counts(self) -> dict[str, Counts]:
        """Count sketches and photos per label."""
        totals = {label: [0, 0] for label in self.labels}
        for record in self.records:
            totals[record.label][record.modality == PHOTO] += 1
        return {label: Counts(*pair) for label, pair in totals.items()}

    def by_label(self, modality: str | None = None) -> dict[str, tuple[Record, ...]]:
        groups: dict[str, list[Record]] = {}
        for record in self.records:
            if modality in (None, record.modality):
                groups.setdefault(record.label, []).append(record)
        return {label: tuple(groups[label]) for label in sorted(groups)}

    def of(self, modality: str) -> tuple[Record, ...]:
        return tuple(record for record in self.records if record.modality == modality)

    def where(self, keep: Callable[[Record], bool]) -> "Dataset":
        return replace(self, records=tuple(record for record in self.records if keep(record)))

    def subset(self, labels: Iterable[str]) -> "Dataset":
        """Select the records of these labels in any spelling; unknown labels are ignored."""
        wanted = {key(label) for label in labels}
        part = self.where(lambda record: key(record.label) in wanted)
        if not part:
            raise DataProblem(
                f"{self.name} has none of the {len(wanted)} requested labels; it has {first_few(self.labels)}"
            )
        return part

    def without(self, labels: Iterable[str]) -> "Dataset":
        unwanted = {key(label) for label in labels}
        return self.where(lambda record: key(record.label) not in unwanted)

    def of_sets(self, sets: Iterable[str]) -> "Dataset":
        wanted = frozenset(sets)
        return self.where(lambda record: record.set in wanted)

    def joined(self, *others: "Dataset") -> "Dataset":
        """Join several collections; the same class in two spellings becomes one label."""
        everyone = (self, *others)
        return gathered(
            " + ".join(data.name for data in everyone),
            [record for data in everyone for record in data.records],
            [merge for data in everyone for merge in data.merges],
        )


def gathered(name: str, records: Iterable[Record], merges: Iterable[str] = ()) -> Dataset:
    """Make a dataset in which every class has one label, whatever its spellings."""
    rows, merged = list(records), list(merges)
    chosen: dict[str, str] = {}
    for spellings in same_names(record.label for record in rows).values():
        # The spelling with the most spaces reads best in a caption: "cell phone" before "cellphone".
        best = max(sorted(spellings), key=lambda label: label.count(" "))
        chosen.update(dict.fromkeys(spellings, best))
        if len(spellings) > 1:
            merged.append(f"{name}: {', '.join(map(repr, sorted(spellings)))} are the same class, {best!r}")
    return Dataset(name, tuple(_relabelled(row, chosen[row.label]) for row in rows), tuple(merged))


def read_folder(root: Path) -> Dataset:
    """Read `root/photos/<class>/...` and, if there are any, `root/sketches/<class>/...`."""
    photos = class_folder(root / "photos", PHOTO, name=root.name)
    sketches: list[Record] = []
    if (root / "sketches").is_dir():
        sketches = class_folder(root / "sketches", SKETCH, name=root.name)
    data = gathered(root.name, [*photos, *sketches])
    for label, found in data.counts().items():
        if not found.photos:
            raise DataProblem(
                f"class {label!r} has {found.sketches} sketches but no photos: "
                f"expected them under {root / 'photos'}, in a folder of that name"
            )
    return data


def class_folder(folder: Path, modality: str, *, name: str) -> list[Record]:
    """Read the images under `folder/<class>`, sorted, including nested folders; an empty class is an error."""
    if not folder.is_dir():
        raise DataProblem(
            f"expected one folder of {modality}s per class in {folder}, but there is no such folder"
        )
    records: list[Record] = []
    for place in sorted(entry for entry in folder.iterdir() if entry.is_dir() and entry.name[0] != "."):
        label = spoken(place.name)
        found = [Record(path, modality, label, set=name) for path in images_under(place)]
        if not found:
            raise DataProblem(f"class {label!r}: expected {modality}s in {place}, found 0 images")
        records.extend(found)
    if not records:
        raise DataProblem(f"expected one folder of {modality}s per class in {folder}, found 0 images")
    return records


def images_under(folder: Path) -> list[Path]:
    found: list[Path] = []
    for place, folders, files in os.walk(folder):
        folders[:] = [inner for inner in folders if not inner.startswith(".")]
        found += [
            Path(place, file) for file in files if file[0] != "." and Path(file).suffix.lower() in SUFFIXES
        ]
    return sorted(found)


def read_manifest(manifest: Path, root: Path | None = None, sets: Iterable[str] | None = None) -> Dataset:
    """Read a CSV with the columns set, modality, class, label, path, pair_id and note.

    Paths are relative to `root`, or else to the CSV. With `sets`, only their rows are read and their images needed.
    """
    base = manifest.parent if root is None else root
    wanted = None if sets is None else frozenset(sets)
    rows = [row for row in _rows(manifest) if wanted is None or row["set"] in wanted]
    if absent := sorted((wanted or frozenset()) - {row["set"] for row in rows}):
        raise DataProblem(f"{manifest} lists no images of the set {absent[0]!r}: check its name")
    records = [
        Record(
            base / row["path"],
            row["modality"],
            spoken(row["label"] or row["class"]),
            row["pair_id"] or None,
            row["set"],
            row["note"],
        )
        for row in rows
    ]
    if not records:
        raise DataProblem(f"{manifest} lists no images")
    _check_files(records, base)
    return gathered(manifest.stem, records)


def manifest_sets(manifest: Path) -> tuple[str, ...]:
    return tuple(sorted({row["set"] for row in _rows(manifest)} - {""}))


def _rows(manifest: Path) -> list[dict[str, str]]:
    try:
        with manifest.open(newline="", encoding="utf-8") as lines:
            table = csv.DictReader(lines, restval="")
            if missing := [column for column in COLUMNS if column not in (table.fieldnames or ())]:
                raise DataProblem(f"{manifest} has no column {missing[0]!r}; it needs {', '.join(COLUMNS)}")
            rows = list(table)
    except FileNotFoundError:
        raise DataProblem(f"expected a manifest at {manifest}, but there is no such file") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataProblem(f"{manifest} is not a CSV file in UTF-8: {error}") from None
    for number, row in enumerate(rows, start=2):
        if fault := _fault(row):
            raise DataProblem(f"{manifest}, line {number}: {fault}")
    return rows


def _fault(row: Mapping[str, str]) -> str | None:
    if row["modality"] not in (PHOTO, SKETCH):
        return f"the modality is {row['modality']!r}; write photo or sketch"
    if not key(row["label"] or row["class"]):
        return "has neither a label nor a class"
    path = Path(row["path"])
    if not path.parts or path.is_absolute() or ".." in path.parts:
        return f"the path {row['path']!r} must be relative to the data folder and stay inside it"
    return None


def _check_files(records: list[Record], base: Path) -> None:
    """Check that all images exist, with one listing per folder: a manifest names tens of thousands."""
    listed = {place: _names(place) for place in {record.path.parent for record in records}}
    expected: dict[Path, int] = {}
    absent: dict[Path, list[Path]] = {}
    for record in records:
        place = base / record.path.relative_to(base).parts[0]
        expected[place] = expected.get(place, 0) + 1
        if record.path.name not in listed[record.path.parent]:
            absent.setdefault(place, []).append(record.path)
    for place, lost in sorted(absent.items()):
        raise DataProblem(
            f"expected {expected[place]} images under {place}, found {expected[place] - len(lost)}: there is no "
            f"{lost[0].relative_to(base)}, for example: unpack it (again), or take its line out of the manifest"
        )


def _names(folder: Path) -> frozenset[str]:
    try:
        return frozenset(entry.name for entry in os.scandir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return frozenset()


def read_labels(path: Path) -> dict[str, tuple[str, ...]]:
    """Read the lists of labels in a JSON file such as splits.json, by name; anything else in it is ignored."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DataProblem(f"expected lists of labels at {path}, but there is no such file") from None
    except json.JSONDecodeError as error:
        raise DataProblem(f"{path} is not JSON: {error}") from None
    if not isinstance(content, Mapping):
        raise DataProblem(f"{path} must hold an object of lists of labels")
    return {name: tuple(map(str, value)) for name, value in content.items() if isinstance(value, list)}


def _relabelled(record: Record, label: str) -> Record:
    return record if record.label == label else replace(record, label=label)


def first_few(labels: Iterable[str], most: int = 5) -> str:
    names = list(labels)
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
