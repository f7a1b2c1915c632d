"""What a run learns from, picture by picture: it does not go on with pictures that changed since it began.

A line has what training knows of a picture, its name and its size in bytes, but not where it is: a run may be moved.
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from model.data.datasets import Record
from model.training.files import write
from model.training.state import STATE, RunProblem

FILE = "pictures.txt"


def refuse_changed(folder: Path, records: Sequence[Record]) -> None:
    """Raise RunProblem, and name a picture, if a run has begun here with others. Otherwise write them down."""
    now, file = sorted(map(_line, records)), folder / FILE
    try:
        before = file.read_text(encoding="utf-8").splitlines()
    except (FileNotFoundError, UnicodeDecodeError):
        before = None
    if before == now:
        return
    if before is not None and (folder / STATE).is_file():
        changed = sorted((Counter(now) - Counter(before)) or (Counter(before) - Counter(now)))
        name = changed[0].split("\t")[-1]
        more = f", nor are {len(changed) - 1} others" if len(changed) > 1 else ""
        raise RunProblem(
            f"{folder}: {name} is not what it was when this run began, in size, label or pair{more}: put it back, or "
            "start over in an empty folder"
        )
    if before is not None:
        # Made of pictures that are others now.
        for prepared in folder.glob("*.done"):
            prepared.unlink()
    write(file, "\n".join([*now, ""]))


def _line(record: Record) -> str:
    try:
        size = record.path.stat().st_size
    except OSError:
        # It is named when it is read.
        size = -1
    known = (record.set, record.modality, record.label, record.pair or "", record.note or "", str(size))
    return "\t".join(each.replace("\n", " ") for each in (*known, record.path.name))
