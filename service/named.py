"""Files and folders named in settings. A bad name is an error; it never falls back to a weaker setting."""

import os
import sys
from pathlib import Path

from indexer.disk import open_plain
from model import SketchseekError

# Key and settings files are a few lines; anything larger is the wrong file.
_LARGEST = 2**20
# Any of these shows that a folder is an index, however damaged.
_SIGNS = ("CURRENT", "LOCK", "catalogue.sqlite", "generations")


class BadName(SketchseekError):
    """A setting names a file or folder that cannot be used."""


def place(name: str | os.PathLike[str]) -> Path:
    """The path of a name, with ~ expanded."""
    try:
        return Path(given(name)).expanduser()
    except RuntimeError:
        raise ValueError(f"{name}: cannot resolve ~; write the full path") from None


def given(name: str | os.PathLike[str]) -> str:
    """The name itself. Empty names are refused: Path("") would mean the working folder."""
    text = os.fspath(name)
    if not text.strip() or "\0" in text:
        raise ValueError("is not a path; name a file or folder, or leave it out")
    return text


def text_in(path: Path, what: str) -> str:
    """The contents of a small text file. Accepts line endings and byte order marks of other systems."""
    try:
        with open_plain(path) as file:
            data = file.read(_LARGEST + 1)
    except OSError as error:
        raise BadName(
            f"{path}: cannot read {what} ({error.strerror}); fix it, or name another file"
        ) from None
    if len(data) > _LARGEST:
        raise BadName(f"{path}: too large for {what} (at most {_LARGEST >> 20} MiB); name another file")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadName(f"{path}: cannot read {what} (not UTF-8); save it as UTF-8") from None


def default_index() -> Path:
    """`index` in the working folder if that is an index, else the one in the user's data folder."""
    here = Path("index")
    if any(os.path.lexists(here / sign) for sign in _SIGNS):
        return here
    folder = data_folder()
    return here if folder is None else folder / "sketchseek" / "index"


def data_folder(system: str = sys.platform) -> Path | None:
    """The folder for the user's data; None for an account without a home."""
    try:
        if system == "win32":
            return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
        if system == "darwin":
            return Path.home() / "Library" / "Application Support"
        # The specification says to ignore relative paths.
        named = os.environ.get("XDG_DATA_HOME", "")
        return Path(named) if os.path.isabs(named) else Path.home() / ".local" / "share"  # noqa: PTH117
    except RuntimeError:
        return None
