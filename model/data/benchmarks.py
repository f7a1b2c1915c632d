"""The official layouts of Sketchy-Ext, TU-Berlin-Ext and QuickDraw-Ext; `open_dataset` opens any kind of data."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from model.data.datasets import (
    PHOTO,
    SKETCH,
    DataProblem,
    Dataset,
    Record,
    class_folder,
    gathered,
    manifest_sets,
    read_folder,
    read_manifest,
)


@dataclass(frozen=True)
class Layout:
    """Where a benchmark keeps its class folders: for each part, the names in use."""

    title: str
    home: str
    classes: int
    sketches: tuple[str, ...]
    photos: tuple[str, ...]
    # Sketchy's own photos, from which the sketches were drawn; `photos` are those added later.
    originals: tuple[str, ...] = ()


LAYOUTS = {
    "sketchy": Layout(
        "Sketchy-Ext",
        "Sketchy",
        125,
        sketches=("256x256/sketch/tx_000000000000_ready", "256x256/sketch/tx_000000000000"),
        photos=("EXTEND_image_sketchy_ready", "EXTEND_image_sketchy"),
        originals=("256x256/photo/tx_000000000000_ready", "256x256/photo/tx_000000000000"),
    ),
    "tuberlin": Layout(
        "TU-Berlin-Ext",
        "TUBerlin",
        250,
        sketches=("png_ready", "png"),
        photos=("ImageResized_ready", "ImageResized"),
    ),
    "quickdraw": Layout(
        "QuickDraw-Ext",
        "QuickDraw",
        110,
        sketches=("QuickDraw_sketches_final",),
        photos=("QuickDraw_images_final",),
    ),
}


def open_dataset(
    path: Path, root: Path | None = None, sets: Iterable[str] | None = None, *, originals: bool = True
) -> Dataset:
    """Open a manifest CSV or its folder, an official layout, or a folder of photos/ and sketches/.

    `root` and `sets` are `read_manifest`'s, `originals` is `read_benchmark`'s.
    """
    if path.suffix.lower() == ".csv":
        return read_manifest(path, root, sets)
    if not path.is_dir():
        raise DataProblem(f"expected data at {path}, but there is no folder or manifest (.csv) there")
    if (path / "manifest.csv").is_file():
        return read_manifest(path / "manifest.csv", root, sets)
    if root is not None or sets is not None:
        raise DataProblem(
            f"{path} is not a manifest (.csv), and only a manifest can have sets or a separate root"
        )
    if (path / "photos").is_dir():
        return read_folder(path)
    for name, layout in LAYOUTS.items():
        if any((_home(path, layout) / place).is_dir() for place in (*layout.sketches, *layout.photos)):
            return read_benchmark(name, path, originals=originals)
    raise DataProblem(
        f"{path} holds none of manifest.csv, photos/<class>, or the folders of "
        f"{', '.join(layout.title for layout in LAYOUTS.values())}; found no usable images"
    )


def sets_of(path: Path) -> tuple[str, ...]:
    """Return the names of the sets that `open_dataset` could select there; only manifests have any."""
    manifest = path if path.suffix.lower() == ".csv" else path / "manifest.csv"
    return manifest_sets(manifest) if manifest.is_file() else ()


def read_benchmark(name: str, root: Path, *, originals: bool = True) -> Dataset:
    """Read an official layout at `root`, or in the folder of its usual name there.

    `originals=False` leaves Sketchy's own 100 photos per class out of the gallery, as MA-SBIR's test list does.
    """
    if name not in LAYOUTS:
        raise DataProblem(f"unknown benchmark {name!r}; known: {', '.join(LAYOUTS)}")
    layout = LAYOUTS[name]
    home = _home(root, layout)
    parts = [
        _part(home, layout.sketches, SKETCH, layout),
        _part(home, layout.photos, PHOTO, layout),
    ]
    if layout.originals:
        parts[0] = [replace(sketch, pair=_drawn_from(sketch)) for sketch in parts[0]]
        if originals:
            own = _part(home, layout.originals, PHOTO, layout)
            parts.append([replace(photo, pair=photo.path.stem) for photo in own])
    return gathered(layout.title, [record for part in parts for record in part])


def _home(root: Path, layout: Layout) -> Path:
    return root / layout.home if (root / layout.home).is_dir() else root


def _part(home: Path, places: tuple[str, ...], modality: str, layout: Layout) -> list[Record]:
    folder = next((home / place for place in places if (home / place).is_dir()), home / places[0])
    records = class_folder(folder, modality, name=layout.title)
    found = len({record.label for record in records})
    if found < layout.classes:
        raise DataProblem(
            f"{layout.title}: expected {layout.classes} class folders in {folder}, found {found} "
            f"with {len(records)} images: unpack all of it"
        )
    return records


def _drawn_from(sketch: Record) -> str:
    """The photo that a Sketchy drawing shows: the third drawing of n02691156_58.jpg is n02691156_58-3.png."""
    return sketch.path.stem.rpartition("-")[0] or sketch.path.stem
