"""The tables of a library: one for the photos of each generation, one for its texts, and one of pointers.

Names begin with the library's and two underscores, which no library's name has.
"""

import re
from collections.abc import Mapping

from indexer.errors import BrokenGeneration
from indexer.remote.database import Layout
from indexer.remote.rows import PART, REALS, STAMP, TEXTS, WHOLES

VECTOR = "vector"
# The types of columns, and of what is copied into them; the vector's, in its own form, are bytes.
BINARY = {
    "text": "text",
    "bigint": "int8",
    "double precision": "float8",
    "real": "float4",
    "halfvec": "bytea",
}
# A B-tree takes no long paths.
_INDEXED = {"relative": "spgist"} | dict.fromkeys(("camera_key", "taken", "content", "grp", "place"), "btree")
# What a row has besides its vector and its part, mostly.
_ROW_BYTES = 1500


def named(library: str, kind: str, generation: str) -> str:
    """The name of a generation's table (g) or of its texts (t)."""
    if not re.fullmatch(r"[0-9]{6,12}", generation):
        raise BrokenGeneration(f"{library}: {generation[:40]!r} is no generation; run sketchseek index again")
    return f"{library}__{kind}{generation}"


def columns(layout: Layout) -> Mapping[str, str]:
    """The columns of a table, and their types. Whatever is missing has a value of its own."""
    found = {"id": "bigint"} | dict.fromkeys(TEXTS, "text") | dict.fromkeys(WHOLES, "bigint")
    found |= dict.fromkeys(REALS[:2], "double precision") | dict.fromkeys(REALS[2:], "real")
    found |= {PART: "text"} if layout.part_bytes else {}
    found |= {STAMP: "bigint"} if layout.live else {}
    return found | {VECTOR: "halfvec"}


def table(name: str, layout: Layout) -> list[str]:
    """The commands that create a table, as yet without indexes."""
    # Ranges of paths are those of their bytes.
    spelled = {"text": 'text COLLATE "C"', "halfvec": f"halfvec({layout.dimension})"}
    listed = ", ".join(
        f"{column} {spelled.get(kind, kind)} NOT NULL" for column, kind in columns(layout).items()
    )
    # Every search reads vectors, so they stay in their rows; of parts, it reads a few.
    target = max(2040, min(8160, 2 * layout.dimension + _ROW_BYTES))
    changes = [f"{VECTOR} SET STORAGE MAIN", f"{VECTOR} SET STATISTICS 0"]
    changes += [f"{PART} SET STORAGE EXTERNAL"] if layout.part_bytes else []
    return [
        f"CREATE TABLE {name} ({listed}) WITH (toast_tuple_target = {target})",
        *(f"ALTER TABLE {name} ALTER COLUMN {change}" for change in changes),
    ]


def indexes(name: str) -> list[str]:
    """The commands that index everything but vectors."""
    return [
        f"ALTER TABLE {name} ADD PRIMARY KEY (id)",
        *(f"CREATE INDEX ON {name} USING {kind} ({column})" for column, kind in _INDEXED.items()),
    ]
