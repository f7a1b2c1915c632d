"""Files and folders that settings name: a name that leads nowhere is refused, and never means something weaker."""

import os
from pathlib import Path

from indexer.disk import open_plain
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
        with open_plain(path) as file:
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
