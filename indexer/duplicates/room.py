"""Room for intermediate results that grow with the library: some memory, and files for whatever does not fit."""

import shutil
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import DTypeLike, NDArray

# Larger arrays go to files, as do all vectors that are sorted.
MEMORY = 2**28


class Room:
    """A folder in `parent` that exists only if something did not fit in `memory` bytes, and only until the end."""

    def __init__(self, parent: Path, memory: int = MEMORY) -> None:
        self.memory = memory
        self.parent = parent
        self._folder: Path | None = None
        self._files = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def path(self) -> Path:
        """The path of a new file."""
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="duplicates-", dir=self.parent))
        self._files += 1
        return self._folder / str(self._files)

    def zeros(self, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
        """An array, in a file unless it is small."""
        if np.prod(shape, dtype=np.int64) * np.dtype(dtype).itemsize <= self.memory // 4:
            return np.zeros(shape, dtype)
        return np.memmap(self.path(), dtype=dtype, mode="w+", shape=shape)
