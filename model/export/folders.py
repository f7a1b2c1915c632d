"""Writing model folders so that a crash at any moment leaves a whole model, the old one or the new one."""

import hashlib
import json
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from model.card import Card, Checkpoint, WeightFile
from model.errors import ModelError


@contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """Create a folder that gets its name once everything is written. An existing folder is left alone."""
    beside = folder.with_name(f"{folder.name}.unfinished")
    try:
        if folder.exists() and any(folder.iterdir()):
            raise ModelError(f"{folder} is not empty: give another folder, or remove that one first")
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir(parents=True)
    except OSError as error:
        raise ModelError(
            f"{folder}: cannot be made ({error.strerror}); give a folder in a place where you can write"
        ) from None
    yield beside
    beside.replace(folder)


def weight_file(path: Path) -> WeightFile:
    """The card's entry for a file next to it."""
    return WeightFile(file=path.name, sha256=hashlib.sha256(path.read_bytes()).hexdigest())


def copy_parts(checkpoint: Checkpoint, parts: Iterable[str], folder: Path) -> None:
    """Copy the files of these parts; what lies in an installed package stays there."""
    for part in parts:
        weight = checkpoint.card.weights[part]
        if weight.package is None:
            shutil.copyfile(checkpoint.file(part), folder / weight.file)


def write_card(card: Card, folder: Path) -> None:
    """Write the card atomically."""
    beside = folder / "card.json.new"
    beside.write_text(json.dumps(card.model_dump(mode="json"), indent=1) + "\n", encoding="utf-8")
    beside.replace(folder / "card.json")
