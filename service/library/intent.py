"""What people want of the library, kept in the index folder so that it outlives the service: `setup.json`."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from indexer.empty import create

FILE = "setup.json"
_LARGEST = 2**20


@dataclass(frozen=True)
class Intent:
    """`running`: a run was started and has not ended by itself. `add` and `forget` are folders for the next run."""

    paused: bool = False
    running: bool = False
    add: tuple[str, ...] = ()
    forget: tuple[str, ...] = ()


def read(index: Path) -> Intent:
    """What was written last; nothing is wanted if that cannot be read."""
    path = index / FILE
    try:
        found = json.loads(path.read_bytes()) if path.stat().st_size <= _LARGEST else {}
        return Intent(
            bool(found["paused"]), bool(found["running"]), _texts(found["add"]), _texts(found["forget"])
        )
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return Intent()


def write(index: Path, intent: Intent) -> None:
    """Write atomically; creates the index first. Raises OSError or IndexProblem."""
    create(index)
    temporary = index / f"{FILE}.tmp"
    with temporary.open("w", encoding="utf-8") as file:
        json.dump(asdict(intent), file)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(index / FILE)


def _texts(found: object) -> tuple[str, ...]:
    if not isinstance(found, list):
        raise TypeError(f"not a list: {found!r}")
    return tuple(str(text) for text in found)
