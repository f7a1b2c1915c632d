"""One writer at a time. The kernel holds the lock, so a killed run never leaves it behind."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from indexer.errors import IndexBusy


@contextmanager
def writing(index: Path) -> Iterator[None]:
    """Holds the index for writing; says who does if somebody else is at it."""
    with (index / "LOCK").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip() or "another process"
            raise IndexBusy(f"{index}: {holder} is indexing here; wait until it is done") from None
        file.truncate(0)
        file.write(f"process {os.getpid()} (since {time.strftime('%H:%M:%S')})")
        file.flush()
        yield
        file.truncate(0)
