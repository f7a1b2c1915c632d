"""Filters as conditions on the columns of photos: a small tree that each database spells in its own way.

Folders become half-open ranges of paths, which use an index and need no escaping, for any spelling of their names.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, Literal
from unicodedata import normalize

from indexer.values import Filter

Value = str | int
# Most non-ASCII names in a path to try in all combinations of Unicode forms; with more, all use the same form.
_MIXED = 3


@dataclass(frozen=True)
class Compare:
    """A column compared with a value; a missing value passes no comparison."""

    column: str
    operator: Literal["=", ">", ">=", "<"]
    value: Value


@dataclass(frozen=True)
class OneOf:
    """A column that has one of these values or, if `negated`, none of them."""

    column: str
    values: tuple[Value, ...]
    negated: bool = False


@dataclass(frozen=True)
class Every:
    """All of these; everything, if there are none."""

    of: "tuple[Condition, ...]" = ()


@dataclass(frozen=True)
class Either:
    """At least one of these; nothing, if there are none."""

    of: "tuple[Condition, ...]" = ()


Condition = Compare | OneOf | Every | Either
EVERYTHING, NOTHING = Every(), Either()


def every(parts: Iterable[Condition]) -> Condition:
    """All of these, without needless levels."""
    needed = tuple(part for part in parts if part != EVERYTHING)
    return needed[0] if len(needed) == 1 else Every(needed)


def between(column: str, low: Value, high: Value) -> Condition:
    """From `low` up to but without `high`."""
    return Every((Compare(column, ">=", low), Compare(column, "<", high)))


def as_sql(
    wanted: Condition, spelled: Callable[[Compare | OneOf], tuple[str, list[Any]]]
) -> tuple[str, list[Any]]:
    """A condition and its parameters, in the SQL of a database, whose comparisons are `spelled`."""
    if isinstance(wanted, Compare | OneOf):
        return spelled(wanted)
    joint, none = ("AND", "TRUE") if isinstance(wanted, Every) else ("OR", "FALSE")
    parts = [as_sql(part, spelled) for part in wanted.of]
    given = [value for _, found in parts for value in found]
    return f"({f' {joint} '.join(text for text, _ in parts)})" if parts else none, given


def described(wanted: Filter, roots: Sequence[str], cameras: Sequence[str]) -> Condition:
    """All of a filter but its contents; `cameras` are those that there are."""
    parts: list[Condition] = []
    if wanted.folder is not None:
        parts.append(_below(wanted.folder, roots))
    if wanted.camera is not None:
        parts.append(OneOf("camera", tuple(_named(wanted.camera, cameras))))
    if wanted.after is not None:
        parts.append(Compare("taken", ">=", wanted.after))
    if wanted.before is not None:
        # Databases without NULL store "" where there is no date.
        parts += [Compare("taken", ">", "")] if wanted.after is None else []
        parts.append(Compare("taken", "<", wanted.before))
    return every(parts)


def _named(wanted: str, cameras: Sequence[str]) -> list[str]:
    """The cameras of that name or, if there is none, those whose names contain it."""
    name = fold(wanted)
    folded = [(fold(camera), camera) for camera in cameras]
    whole = [camera for found, camera in folded if found == name]
    return whole or [camera for found, camera in folded if name in found]


def fold(name: str) -> str:
    """Normalize a name, so that case and Unicode form do not matter."""
    return normalize("NFC", normalize("NFD", name).casefold())


def _below(folder: str, roots: Sequence[str]) -> Condition:
    """Photos at any depth below a folder, in any spelling of it."""
    if folder.startswith("/"):
        # Path keeps two slashes at the beginning, which name no other place here.
        whole = (Path("/" + spelling.lstrip("/")) for spelling in _spellings(folder))
        return Either(tuple(_below_absolute(path, roots) for path in whole))
    return Either(tuple(map(_inside, _spellings(folder))))


def _spellings(folder: str) -> list[str]:
    """The folder as given, and with / for each backslash; with each name in both Unicode forms.

    macOS writes é as two code points, other systems mostly as one, and a path may mix both.
    """
    found: dict[str, None] = {}
    slashed = folder.replace("\\", "/")
    # Backslashes alone are at most a name: as separators they would let every photo pass.
    texts = (folder, slashed) if slashed.strip("/") else (folder,)
    for text in texts:
        forms = [(name, normalize("NFC", name), normalize("NFD", name)) for name in text.split("/")]
        found |= dict.fromkeys(map("/".join, zip(*forms, strict=True)))
        if sum(len(set(names)) > 1 for names in forms) <= _MIXED:
            found |= dict.fromkeys(map("/".join, product(*map(dict.fromkeys, forms))))
    return list(found)


def _inside(folder: str) -> Condition:
    clean = "/".join(part for part in folder.split("/") if part not in ("", "."))
    # "0" is the character after "/".
    return between("relative", f"{clean}/", f"{clean}0") if clean else EVERYTHING


def _below_absolute(wanted: Path, roots: Sequence[str]) -> Condition:
    whole: list[Condition] = []
    partly: list[Condition] = []
    for root in map(Path, roots):
        if root.is_relative_to(wanted):
            whole.append(Compare("root", "=", str(root)))
        elif wanted.is_relative_to(root):
            inside = _inside(wanted.relative_to(root).as_posix())
            partly.append(Every((Compare("root", "=", str(root)), inside)))
    return Either((*partly, *whole))
