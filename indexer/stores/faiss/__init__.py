"""The FAISS store on the CPU: one flat, IVF or HNSW file, and layers of them. Nothing here loads FAISS yet."""

from typing import Literal, get_args

IndexType = Literal["auto", "flat", "hnsw", "ivf"]
INDEX_TYPES: tuple[IndexType, ...] = get_args(IndexType)
# What is built of them; all hold fp16.
KINDS = ("flat-fp16", "hnsw-fp16", "ivf-fp16")
EXACT = KINDS[0]
