"""The tables of a library: one for the photos of each generation, one for its texts, and one of pointers.

Names begin with the library's and two underscores, which no library's name has.
"""

import re
from collections.abc import Mapping

from indexer.errors import BrokenGeneration
from indexer.remote.database import Layout
from indexer.remote.rows import PART, REALS, TEXTS, WHOLES

VECTOR = "vector"
# Ranges of paths are those of their bytes. Whatever is missing has a value of its own.
_TEXT = 'text COLLATE "C"'
# Paths may be longer than a B-tree takes.
_INDEXED = {"relative": "spgist"} | dict.fromkeys(("camera_key", "taken", "content", "grp", "place"), "btree")
# What a row has besides vector and part, mostly; parts are read by themselves.
_ROW_BYTES = 1500


def named(library: str, kind: str, generation: str) -> str:
    """The name of a generation's table (kind g) or texts (t)."""
    if not re.fullmatch(r"[0-9]{6,12}", generation):
        raise BrokenGeneration(f"{library}: {generation[:40]!r} is no generation; run sketchseek index again")
    return f"{library}__{kind}{generation}"


def kinds(layout: Layout) -> Mapping[str, str]:
    """The types of a table's columns."""
    found = {"id": "bigint"} | dict.fromkeys(TEXTS, _TEXT) | dict.fromkeys(WHOLES, "bigint")
    found |= dict.fromkeys(REALS[:2], "double precision") | dict.fromkeys(REALS[2:], "real")
    if layout.part_bytes:
        found[PART] = "text"
    return found | {VECTOR: f"halfvec({layout.dimension})"}


def table(name: str, layout: Layout) -> list[str]:
    """The commands that create a table, as yet without indexes."""
    columns = ", ".join(f"{column} {kind} NOT NULL" for column, kind in kinds(layout).items())
    # Every search reads vectors, so they stay in their rows; of parts, it reads a few.
    target = max(2040, min(8160, 2 * layout.dimension + _ROW_BYTES))
    storage = [f"{VECTOR} SET STORAGE MAIN", f"{VECTOR} SET STATISTICS 0"]
    storage += [f"{PART} SET STORAGE EXTERNAL"] if layout.part_bytes else []
    return [
        f"CREATE TABLE {name} ({columns}) WITH (toast_tuple_target = {target})",
        *(f"ALTER TABLE {name} ALTER COLUMN {change}" for change in storage),
    ]


def indexes(name: str) -> list[str]:
    """The commands that index everything but vectors."""
    return [
        f"ALTER TABLE {name} ADD PRIMARY KEY (id)",
        *(f"CREATE INDEX ON {name} USING {kind} ({column})" for column, kind in _INDEXED.items()),
    ]
