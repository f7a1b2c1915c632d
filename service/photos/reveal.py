"""Show a file in the file manager of this machine."""

import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

_SECONDS = 5
_SHOW_ITEMS = (
    "dbus-send", "--session", "--print-reply", "--dest=org.freedesktop.FileManager1",
    "/org/freedesktop/FileManager1", "org.freedesktop.FileManager1.ShowItems",
)  # fmt: skip


def reveal(path: Path) -> bool:
    """Whether a file manager shows the file or, at least, its folder."""
    return any(_started(command) for command in commands(path, sys.platform))


def commands(path: Path, platform: str) -> list[Sequence[str]]:
    """What to try, the best first."""
    if platform == "darwin":
        return [("open", "-R", str(path))]
    if platform == "win32":
        return [("explorer", f"/select,{path}")]
    if not {"DISPLAY", "WAYLAND_DISPLAY"} & set(os.environ):
        return []
    # A URI has no comma, which would separate two of them.
    return [(*_SHOW_ITEMS, f"array:string:{path.as_uri()}", "string:"), ("xdg-open", str(path.parent))]


def _started(command: Sequence[str]) -> bool:
    try:
        process = subprocess.Popen(  # noqa: S603
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError:
        return False
    try:
        # Windows' explorer returns 1 even when it succeeds.
        return process.wait(_SECONDS) == 0 or command[0] == "explorer"
    except subprocess.TimeoutExpired:
        # Some launchers stay as long as the window is open; someone has to wait for their end.
        threading.Thread(target=process.wait, daemon=True).start()
        return command[0] != "dbus-send"
