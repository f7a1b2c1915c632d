"""The supported picture formats and their file suffixes: the one list that all others are derived from.

The name only decides whether a file is tried; its bytes decide what it is (`model.pictures.sniff`).
"""

from collections.abc import Mapping
from types import MappingProxyType

SUFFIXES_OF: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"),
        "PNG": (".png",),
        "WEBP": (".webp",),
        "AVIF": (".avif",),
        "HEIF": (".heic", ".heif", ".hif"),
        "TIFF": (".tif", ".tiff"),
        "BMP": (".bmp", ".dib"),
        "GIF": (".gif",),
    }
)
FORMATS = frozenset(SUFFIXES_OF)
SUFFIXES = frozenset(suffix for suffixes in SUFFIXES_OF.values() for suffix in suffixes)
