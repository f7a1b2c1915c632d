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
