"""Filters as SQL: conditions that use an index, for folders and cameras in any spelling."""

from collections.abc import Sequence
from itertools import product
from json import dumps
from pathlib import Path
from unicodedata import normalize

from indexer.values import Filter

# Most non-ASCII names in a path to try in all combinations of Unicode forms; with more, all use the same form.
_MIXED = 3
_INSIDE = "(relative >= ? AND relative < ?)"


def condition(wanted: Filter, roots: Sequence[str], cameras: Sequence[str]) -> tuple[str, list[str]]:
    """All of a filter but its contents, as an SQL condition and its parameters; `cameras` are those that there are."""
    conditions: list[str] = []
    values: list[str] = []
    if wanted.folder is not None:
        below, texts = _below(wanted.folder, roots)
        conditions.append(below)
        values += texts
    if wanted.camera is not None:
        # One parameter, however many there are. The column's collation applies, and so does its index.
        conditions.append("camera IN (SELECT value FROM json_each(?))")
        values.append(dumps(_named(wanted.camera, cameras)))
    for compared, value in (("taken >= ?", wanted.after), ("taken < ?", wanted.before)):
        if value is not None:
            conditions.append(compared)
            values.append(value)
    return " AND ".join(conditions) or "TRUE", values


def _named(wanted: str, cameras: Sequence[str]) -> list[str]:
    """The cameras of that name or, if there is none, those whose names contain it."""
    name = fold(wanted)
    folded = [(fold(camera), camera) for camera in cameras]
    whole = [camera for found, camera in folded if found == name]
    return whole or [camera for found, camera in folded if name in found]


def fold(name: str) -> str:
    """Normalize a name, so that case and Unicode form do not matter."""
    return normalize("NFC", normalize("NFD", name).casefold())


def _below(folder: str, roots: Sequence[str]) -> tuple[str, list[str]]:
    """A condition that uses an index, for photos at any depth below a folder, in any spelling of it."""
    conditions: list[str] = []
    values: list[str] = []
    for spelling in _spellings(folder):
        if folder.startswith("/"):
            condition, texts = _below_absolute(Path(spelling), roots)
        else:
            condition, texts = _inside(spelling)
        conditions.append(condition)
        values += texts
    return f"({' OR '.join(conditions)})", values


def _spellings(folder: str) -> list[str]:
    """The folder as given, and with / for each backslash; with each name in both Unicode forms.

    macOS writes é as two code points, other systems mostly as one, and a path may mix both.
    """
    found: dict[str, None] = {}
    for text in (folder, folder.replace("\\", "/")):
        forms = [(name, normalize("NFC", name), normalize("NFD", name)) for name in text.split("/")]
        found |= dict.fromkeys(map("/".join, zip(*forms, strict=True)))
        if sum(len(set(names)) > 1 for names in forms) <= _MIXED:
            found |= dict.fromkeys(map("/".join, product(*map(dict.fromkeys, forms))))
    return list(found)


def _inside(folder: str) -> tuple[str, list[str]]:
    clean = "/".join(part for part in folder.split("/") if part not in ("", "."))
    # "0" is the character after "/".
    return (_INSIDE, [f"{clean}/", f"{clean}0"]) if clean else ("TRUE", [])


def _below_absolute(wanted: Path, roots: Sequence[str]) -> tuple[str, list[str]]:
    whole, partly, values = [], [], []
    for root in map(Path, roots):
        if root.is_relative_to(wanted):
            whole.append(str(root))
        elif wanted.is_relative_to(root):
            condition, texts = _inside(wanted.relative_to(root).as_posix())
            partly.append(f"(root = ? AND {condition})")
            values += [str(root), *texts]
    either = [*partly, *["root = ?"] * len(whole)]
    return f"({' OR '.join(either) or 'FALSE'})", [*values, *whole]
