"""Thumbnails by content: WebP files that a page can show at once.

The small ones are made while a photo is decoded anyway; large ones only when somebody looks at that photo, for those
of a whole library would take as much as a tenth of it, and hardly any of them would ever be seen.
"""

import io
import secrets
from pathlib import Path
from typing import Literal

from PIL import Image

Size = Literal["small", "large"]
# Width and height within which the whole picture is shown.
LONGEST: dict[Size, int] = {"small": 320, "large": 1024}
LARGE = "large"
QUALITY = 80
# Shrinks coarsely to one and a half times the size first: half the time, and nothing that WebP would keep.
_GAP = 1.5


def thumbnail_path(folder: Path, content: str, size: Size = "small") -> Path:
    """Spread over 256 folders: a million files in one is slow to list."""
    return (folder / LARGE if size == LARGE else folder) / content[:2] / f"{content}.webp"


def has_thumbnail(folder: Path, content: str) -> bool:
    """Whether the small one is there and not empty, as a power cut may leave it."""
    try:
        return thumbnail_path(folder, content).stat().st_size > 0
    except OSError:
        return False


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
    temporary = path.with_suffix(f".{secrets.token_hex(4)}.tmp")
    temporary.write_bytes(data)
    temporary.replace(path)
    return path
