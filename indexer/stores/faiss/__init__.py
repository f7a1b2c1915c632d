"""The FAISS store on the CPU: files of fp16 vectors, what finds candidates in them, and layers of both.

Importing this does not load FAISS.
"""

from typing import Literal, get_args

IndexType = Literal["auto", "flat", "codes", "hnsw", "ivf"]
INDEX_TYPES: tuple[IndexType, ...] = get_args(IndexType)
# What they are built as; all store fp16.
KINDS = ("flat-fp16", "hnsw-fp16", "ivf-fp16", "codes", "ivf-codes")
EXACT = KINDS[0]
# Exact files, with codes beside them.
CODED = KINDS[3:]
# Files of a generation: vectors, the codes beside them, newer vectors, and the ids that these replace.
MAIN, CODES, FRESH, DEAD = "index.faiss", "codes.faiss", "fresh.faiss", "dead.i64"

# Up to this size, comparing all vectors takes no longer than comparing codes and then the best vectors.
FLAT_UP_TO = 20_000
# Up to this size all codes are compared; beyond, those of the nearest lists.
SCAN_UP_TO = 200_000
# Codes and lists need enough vectors, and below that a scan is as fast.
_LEAST = {"flat": 0, "codes": 256, "hnsw": 1, "ivf": 256}


def kind_of(index_type: IndexType, count: int) -> str:
    """The kind for this many vectors."""
    if index_type == "auto":
        index_type = "flat" if count <= FLAT_UP_TO else "codes"
    if count < _LEAST[index_type]:
        return EXACT
    return CODED[count > SCAN_UP_TO] if index_type == "codes" else f"{index_type}-fp16"
