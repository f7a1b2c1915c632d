"""The picture formats that can be read, and the file names each goes by: the one list that all others follow.

Only which files are tried depends on a name; what a file is, its bytes decide (`model.pictures.sniff`).
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
