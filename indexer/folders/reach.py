"""Whether photo folders can be read right now, without waiting for a drive that does not answer."""

import os
import threading
import time
from collections.abc import Iterable
from pathlib import Path

SILENT = "does not respond"


class Reach:
    """Looks at folders, each in a thread of its own: a network drive that is gone can block a look for ever.

    A folder that did not respond is not looked at again until that look ends. Thread-safe.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._looking: dict[Path, threading.Thread] = {}

    def problems(self, folders: Iterable[Path], seconds: float) -> dict[Path, str]:
        """What is wrong with each folder that cannot be used, such as "is missing"; waits this long at most."""
        found: dict[Path, str | None] = {}
        wanted = list(dict.fromkeys(folders))
        looks = [self._look(folder, found) for folder in wanted]
        end = time.monotonic() + seconds
        for look in filter(None, looks):
            look.join(max(0.0, end - time.monotonic()))
        return {folder: problem for folder in wanted if (problem := found.get(folder, SILENT)) is not None}

    def _look(self, folder: Path, found: dict[Path, str | None]) -> threading.Thread | None:
        def look() -> None:
            found[folder] = problem_of(folder)

        with self._lock:
            if (before := self._looking.get(folder)) is not None and before.is_alive():
                return None
            # A daemon: a look that never ends must not keep the process from ending.
            thread = self._looking[folder] = threading.Thread(target=look, daemon=True)
            thread.start()
            return thread


def problem_of(folder: Path) -> str | None:
    """What is wrong with a folder that should hold photos; None if there is something in it."""
    try:
        with os.scandir(folder) as entries:
            # The mount point of a drive that is not mounted is an empty folder.
            return None if next(entries, None) else "is empty"
    except FileNotFoundError:
        return "is missing"
    except NotADirectoryError:
        return "is no longer a folder"
    except OSError as error:
        return f"cannot be read ({error.strerror})"
