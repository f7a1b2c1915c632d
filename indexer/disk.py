"""Putting things on disk so that they stay there."""

import os
from pathlib import Path


def sync(path: Path) -> None:
    """Asks the kernel to put a file's bytes, or a folder's names, on disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
