"""The FAISS store on the CPU: a flat, IVF, or HNSW file, and layers of them. Importing this does not load FAISS."""

from typing import Literal, get_args

IndexType = Literal["auto", "flat", "hnsw", "ivf"]
INDEX_TYPES: tuple[IndexType, ...] = get_args(IndexType)
# What they are built as; all store fp16.
KINDS = ("flat-fp16", "hnsw-fp16", "ivf-fp16")
EXACT = KINDS[0]
