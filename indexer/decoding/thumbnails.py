"""Thumbnails by content: WebP files that a page can show at once.

Behind the picture stands a checksum of it, which whatever shows WebP files ignores: one that was damaged on disk is
neither shown nor kept, but made again.

The small ones are made while a photo is decoded anyway; large ones only when somebody looks at that photo, for those
of a whole library would take as much as a tenth of it, and hardly any of them would ever be seen.
"""

import io
import secrets
import zlib
from pathlib import Path
from typing import Literal

from PIL import Image

Size = Literal["small", "large"]
# Width and height within which the whole picture is shown.
LONGEST: dict[Size, int] = {"small": 320, "large": 1024}
LARGE = "large"
UNFINISHED = ".tmp"
QUALITY = 80
# Shrinks coarsely to one and a half times the size first: half the time, and nothing that WebP would keep.
_GAP = 1.5
_MARK = b"crc3"
_TRAILER = len(_MARK) + 4


def thumbnail_path(folder: Path, content: str, size: Size = "small") -> Path:
    """Spread over 256 folders: a million files in one is slow to list."""
    return (folder / LARGE if size == LARGE else folder) / content[:2] / f"{content}.webp"


def read_thumbnail(path: Path) -> bytes | None:
    """The picture; None where there is none, or not the one that was written."""
    try:
        data = path.read_bytes()
    except OSError:
        return None
    picture, trailer = data[:-_TRAILER], data[-_TRAILER:]
    if trailer == _trailer(picture):
        return picture
    # Version 0.1 wrote the picture alone, which at least says how long it is.
    whole = data[:4] == b"RIFF" and int.from_bytes(data[4:8], "little") + 8 == len(data)
    return data if whole else None


def has_thumbnail(folder: Path, content: str) -> bool:
    """Whether the small one is there, and intact."""
    return read_thumbnail(thumbnail_path(folder, content)) is not None


def forget_thumbnails(folder: Path, content: str) -> None:
    for size in LONGEST:
        thumbnail_path(folder, content, size).unlink(missing_ok=True)


def make_thumbnail(image: Image.Image, size: Size = "small") -> bytes:
    """The whole picture within 320 x 320 or 1024 x 1024, as WebP."""
    small = image.convert("RGB")
    small.thumbnail((LONGEST[size], LONGEST[size]), Image.Resampling.BICUBIC, reducing_gap=_GAP)
    buffer = io.BytesIO()
    # Method 1 of 0-6: three times as fast as the default for a few per cent of size.
    small.save(buffer, "WEBP", quality=QUALITY, method=1)
    return buffer.getvalue()


def write_thumbnail(folder: Path, content: str, data: bytes, size: Size = "small") -> Path:
    """In place at once or not at all, whoever writes the same one beside us."""
    path = thumbnail_path(folder, content, size)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(f".{secrets.token_hex(4)}{UNFINISHED}")
    try:
        temporary.write_bytes(data + _trailer(data))
        temporary.replace(path)
    except BaseException:
        # A full disk shall not be filled by what is no thumbnail.
        temporary.unlink(missing_ok=True)
        raise
    return path


def stored_bytes(data: bytes) -> int:
    """The size of the file that holds a thumbnail."""
    return len(data) + _TRAILER


def _trailer(picture: bytes) -> bytes:
    return _MARK + zlib.crc32(picture).to_bytes(4, "little")
