"""The collections of a library: one for the photos of each generation, one for its texts, and one that locks.

Names begin with the library's and two underscores, which no library's name has.
"""

import re
from collections.abc import Mapping

from pymilvus import CollectionSchema, DataType, MilvusClient

from indexer.remote.database import CURRENT, HELD, Layout
from indexer.remote.milvus.packing import VECTOR
from indexer.remote.rows import PART, REALS, STAMP, TEXTS, WHOLES

# What VARCHAR may hold, in bytes; a path has at most 4,096.
_LENGTHS = {"root": 8192, "relative": 8192, "content": 128, "taken": 64, "moment": 64}
_OTHERS = 1024
LONGEST_TEXT = 60_000
_HALVES_SINCE = (2, 4)


def table_name(library: str, generation: str) -> str:
    return f"{library}__g{generation}"


def texts_name(library: str, generation: str) -> str:
    return f"{library}__t{generation}"


def lock_name(library: str) -> str:
    return f"{library}__lock"


def alias_name(library: str, which: str) -> str:
    return {CURRENT: library, HELD: f"{library}__held"}[which]


def generation_of(library: str, collection: str) -> str | None:
    """The generation whose table this is; None for any other collection."""
    found = re.fullmatch(rf"{re.escape(library)}__g([0-9]{{6,12}})", collection)
    return found[1] if found else None


def kinds(layout: Layout, version: str) -> Mapping[str, DataType]:
    """The types of a table's fields."""
    found = {"id": DataType.INT64}
    found |= dict.fromkeys(TEXTS, DataType.VARCHAR) | dict.fromkeys(WHOLES, DataType.INT64)
    found |= dict.fromkeys(REALS[:2], DataType.DOUBLE) | dict.fromkeys(REALS[2:], DataType.FLOAT)
    if layout.part_bytes:
        found[PART] = DataType.VARCHAR
    if layout.live:
        found[STAMP] = DataType.INT64
    return found | {VECTOR: DataType.FLOAT16_VECTOR if halves(version) else DataType.FLOAT_VECTOR}


def halves(version: str) -> bool:
    """Whether this server stores half precision rightly: older ones accept it, and then find nothing."""
    numbers = re.match(r"v?(\d+)\.(\d+)", version)
    is_lite = "lite" in version.lower()
    return numbers is not None and not is_lite and (int(numbers[1]), int(numbers[2])) >= _HALVES_SINCE


def table_schema(layout: Layout, manifest: str, fields: Mapping[str, DataType]) -> CollectionSchema:
    schema = MilvusClient.create_schema(auto_id=False, enable_dynamic_field=False, description=manifest)
    for name, kind in fields.items():
        if name == VECTOR:
            schema.add_field(name, kind, dim=layout.dimension)
        elif kind == DataType.VARCHAR:
            length = 4 * -(-layout.part_bytes // 3) if name == PART else _LENGTHS.get(name, _OTHERS)
            schema.add_field(name, kind, max_length=length)
        else:
            schema.add_field(name, kind, is_primary=name == "id")
    return schema


def texts_schema() -> CollectionSchema:
    """Texts by key, cut into pieces; each collection must have a vector."""
    schema = MilvusClient.create_schema(auto_id=False, enable_dynamic_field=False)
    schema.add_field("key", DataType.VARCHAR, is_primary=True, max_length=256)
    schema.add_field("text", DataType.VARCHAR, max_length=65_535)
    schema.add_field(VECTOR, DataType.FLOAT_VECTOR, dim=2)
    return schema
