"""Thumbnails by content: WebP files that a page can show directly.

Each file ends with a checksum of the picture, which WebP readers ignore: a thumbnail damaged on disk is neither
shown nor kept, but made again.

Small ones are made while a photo is being decoded anyway. Medium and large ones are made when somebody looks at them:
medium ones would make indexing a fifth slower and treble the disk space, and most would never be seen.
"""

import errno
import io
import os
import secrets
import zlib
from pathlib import Path
from typing import Literal

from PIL import Image

Size = Literal["small", "medium", "large"]
# Maximum width and height.
LONGEST: dict[Size, int] = {"small": 320, "medium": 640, "large": 1280}
# Folders of what is made on demand; each named by its size, so that none is taken for another size.
ON_DEMAND: dict[Size, str] = {"medium": "640", "large": "1280"}
# Version 0.1 kept pictures of 1024 pixels here, which nobody asks for now.
OUTDATED = "large"
UNFINISHED = ".tmp"
QUALITY = 80
# Shrink coarsely to 1.5 times the size first: half the time, and WebP hides the difference.
_GAP = 1.5
_MARK = b"crc3"
_TRAILER = len(_MARK) + 4


def thumbnail_path(folder: Path, content: str, size: Size = "small") -> Path:
    """Return the path of a thumbnail: in one of 256 folders, because a million files in one are slow to list."""
    return folder / ON_DEMAND.get(size, "") / content[:2] / f"{content}.webp"


def read_thumbnail(path: Path) -> bytes | None:
    """Return the picture, or None if it is missing or damaged."""
    try:
        data = path.read_bytes()
    except OSError:
        return None
    picture, trailer = data[:-_TRAILER], data[-_TRAILER:]
    if trailer == _trailer(picture):
        return picture
    # Version 0.1 wrote no checksum, but the picture says how long it is.
    whole = data[:4] == b"RIFF" and int.from_bytes(data[4:8], "little") + 8 == len(data)
    return data if whole else None


def has_thumbnail(folder: Path, content: str) -> bool:
    """Whether the small thumbnail exists and is intact."""
    return read_thumbnail(thumbnail_path(folder, content)) is not None


def forget_thumbnails(folder: Path, content: str) -> None:
    for size in LONGEST:
        thumbnail_path(folder, content, size).unlink(missing_ok=True)


def kept_as(size: Size, width: int, height: int) -> Size:
    """The size under which a picture is kept: as no photo is enlarged, that of a small one may serve for both."""
    return "medium" if size == "large" and max(width, height) <= LONGEST["medium"] else size


def make_thumbnail(image: Image.Image, size: Size = "small") -> bytes:
    """Encode the whole picture as WebP, within the size; it is never enlarged."""
    return webp(image.convert("RGB"), LONGEST[size])


def webp(image: Image.Image, longest: int) -> bytes:
    """Encode a picture (RGB or RGBA) as WebP, with no side longer than that."""
    small = image.copy()
    small.thumbnail((longest, longest), Image.Resampling.BICUBIC, reducing_gap=_GAP)
    buffer = io.BytesIO()
    # Method 1 of 0-6: three times as fast as the default for a few percent of size.
    small.save(buffer, "WEBP", quality=QUALITY, method=1)
    return buffer.getvalue()


def write_thumbnail(folder: Path, content: str, data: bytes, size: Size = "small") -> Path:
    """Write a thumbnail atomically; others may be writing the same one. Creates the folder, but not what it is in."""
    path = thumbnail_path(folder, content, size)
    if not folder.parent.is_dir():
        # What is left of an index would keep the next from being created there.
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(folder.parent))
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(f".{secrets.token_hex(4)}{UNFINISHED}")
    try:
        temporary.write_bytes(data + _trailer(data))
        temporary.replace(path)
    except BaseException:
        # Do not fill a full disk with unfinished files.
        temporary.unlink(missing_ok=True)
        raise
    return path


def stored_bytes(data: bytes) -> int:
    """Return the size of the file that stores a thumbnail."""
    return len(data) + _TRAILER


def _trailer(picture: bytes) -> bytes:
    return _MARK + zlib.crc32(picture).to_bytes(4, "little")
