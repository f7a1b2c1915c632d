"""Files and folders that settings name: a name that leads nowhere is refused, and never means something weaker."""

import os
import stat
from pathlib import Path

from model import SketchseekError

# Keys and settings are a few lines; what is larger is another file than was meant.
_LARGEST = 2**20


class BadName(SketchseekError):
    """A setting names a file or folder that cannot be what was meant."""


def place(name: str | os.PathLike[str]) -> Path:
    """The path of a name, with ~ for the home folder."""
    try:
        return Path(given(name)).expanduser()
    except RuntimeError:
        raise ValueError(f"{name}: whose folder ~ is cannot be told; write the path in full") from None


def given(name: str | os.PathLike[str]) -> str:
    """The name itself; an empty one would become the working folder, as Path("") does."""
    text = os.fspath(name)
    if not text.strip() or "\0" in text:
        raise ValueError("names nothing; name a file or folder, or leave it out")
    return text


def text_in(path: Path, what: str) -> str:
    """All of a small file of text. Line ends and byte order marks of other systems do no harm."""
    try:
        # A pipe that nobody writes to must not hold up the start.
        with open(path, "rb", opener=_at_once) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise BadName(f"{path}: {what} cannot be read (it is no file); name a file")
            data = file.read(_LARGEST + 1)
    except OSError as error:
        raise BadName(
            f"{path}: {what} cannot be read ({error.strerror}); see to it, or name another"
        ) from None
    if len(data) > _LARGEST:
        raise BadName(
            f"{path}: {what} cannot be that large ({_LARGEST >> 20} MiB at most); name another file"
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadName(f"{path}: {what} cannot be read (it is no UTF-8 text); save it as UTF-8") from None


def _at_once(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)
