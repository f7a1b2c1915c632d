"""Detect from the first bytes what a file is, how large its picture claims to be, or what it is instead.

Nothing here decodes: these checks run before a decoder may touch untrusted bytes.
"""

from __future__ import annotations

import re
import struct

from model.pictures.formats import FORMATS
from model.pictures.layout import SCAN, segments

_MAGIC = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"II*\x00", "TIFF"),
    (b"MM\x00*", "TIFF"),
    (b"II+\x00", "TIFF"),
    (b"MM\x00+", "TIFF"),
    (b"BM", "BMP"),
)
_HEIF_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})
_AVIF_BRANDS = frozenset({b"avif", b"avis"})

_STRANGERS = (
    (b"%PDF", "a PDF document; export the page as PNG or JPEG"),
    (b"%!PS", "a PostScript document; export the page as PNG or JPEG"),
    (b"8BPS", "a Photoshop document; export it as PNG or JPEG"),
    (b"PK\x03\x04", "a ZIP archive; unpack it first"),
    (b"\x1f\x8b", "a gzip archive; unpack it first"),
    (b"\xff\x0a", "a JPEG XL picture, which is not supported; convert it to PNG or JPEG"),
    (b"\x00\x00\x00\x0cJXL ", "a JPEG XL picture, which is not supported; convert it to PNG or JPEG"),
    (b"\x00\x00\x00\x0cjP  ", "a JPEG 2000 picture, which is not supported; convert it to PNG or JPEG"),
    (b"\x1aE\xdf\xa3", "a video; extract a still picture from it"),
)
_NOT_IN_TEXT = frozenset(range(32)) - frozenset(b"\t\n\r\f\x1b")
# Start-of-frame markers; C4, C8 and CC in this range mean something else.
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
# Of these, those whose scans are not refined by later ones.
_JPEG_SEQUENTIAL = frozenset({0xC0, 0xC1})
_JPEG_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
# Tables, restart intervals and comments between two scans: encoders write two or three.
_MARKERS_A_SCAN = 20


def picture_format(data: bytes) -> str | None:
    """Detect one of FORMATS by the first bytes; None if none matches."""
    for magic, name in _MAGIC:
        if data.startswith(magic):
            return name
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    brands = _brands(data)
    # Phones may list the neutral brand mif1 first and the actual codec only later.
    if any(brand in _AVIF_BRANDS for brand in brands):
        return "AVIF"
    if any(brand in _HEIF_BRANDS for brand in brands):
        return "HEIF"
    return None


def _brands(data: bytes) -> list[bytes]:
    if data[4:8] != b"ftyp":
        return []
    end = min(int.from_bytes(data[:4], "big"), len(data), 256)
    return [data[8:12], *(data[at : at + 4] for at in range(16, end - 3, 4))]


def what_it_is_instead(data: bytes) -> str:
    """Describe in one line what unsupported bytes seem to be, and what to do about it."""
    if not data:
        return "not a picture: it is empty (0 bytes)"
    for magic, line in _STRANGERS:
        if data.startswith(magic):
            return f"not a picture in a supported format: it is {line}"
    if _brands(data):
        return "not a picture in a supported format: it is a video; extract a still picture from it"
    head = data[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if b"<svg" in head:
        return "not a picture in a supported format: it is an SVG drawing; export it as PNG"
    if head.startswith((b"<!doctype html", b"<html")):
        return "not a picture: it is a web page"
    if _looks_like_text(data[:256]):
        return "not a picture: it starts with text"
    return "not a picture: it does not begin like any of " + ", ".join(sorted(FORMATS))


def _looks_like_text(head: bytes) -> bool:
    if _NOT_IN_TEXT.intersection(head):
        return False
    try:
        head.decode()
    except UnicodeDecodeError as error:
        # The cut at 256 bytes may fall inside a character; an earlier error means it is not UTF-8.
        return error.start >= len(head) - 3 and len(head) == 256
    return True


def declared_size(data: bytes, name: str) -> tuple[int, int] | None:
    """Read width and height from the header; None if only a decoder can tell (TIFF, AVIF, HEIF, damage)."""
    try:
        if name == "PNG":
            return _pair(">II", data, 16)
        if name == "GIF":
            return _pair("<HH", data, 6)
        if name == "BMP":
            return _bmp_size(data)
        if name == "WEBP":
            return _webp_size(data)
        if name == "JPEG":
            return _jpeg_size(data)
    except (struct.error, IndexError):
        pass
    return None


def _pair(layout: str, data: bytes, at: int) -> tuple[int, int]:
    first, second = struct.unpack_from(layout, data, at)
    return int(first), int(second)


def _bmp_size(data: bytes) -> tuple[int, int]:
    if data[14] == 12:
        return _pair("<HH", data, 18)
    width, height = _pair("<ii", data, 18)
    # A negative height means that rows run from the top down.
    return abs(width), abs(height)


def _webp_size(data: bytes) -> tuple[int, int] | None:
    kind = data[12:16]
    if kind == b"VP8X":
        return int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1
    if kind == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        return (bits & 0x3FFF) + 1, ((bits >> 14) & 0x3FFF) + 1
    if kind == b"VP8 ":
        width, height = _pair("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    return None


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    for marker, at in segments(data):
        if marker in _JPEG_FRAMES:
            height, width = _pair(">HH", data, at + 3)
            return width, height
    return None


def has_more_scans(data: bytes, most: int) -> bool:
    """Whether a JPEG has more scans than that, or is cut up by markers as if it did.

    Data after the picture, such as the video of a phone's motion photo, does not count.
    """
    if _has_one_scan(data) or data.count(b"\xff\xda") <= most:
        return False
    scans, marker, at = 0, 0, len(data)
    for marker, at in segments(data):  # noqa: B007
        scans += marker == SCAN
    for _ in range(_MARKERS_A_SCAN * most):
        at += int.from_bytes(data[at : at + 2], "big") if marker not in (0x01, 0xD8) else 0
        found = _JPEG_MARKER.search(data, at)
        if scans > most or found is None:
            return scans > most
        marker, at = data[found.start() + 1], found.end()
        if marker == 0xD9:
            return False
        scans += marker == SCAN
    return True


def _has_one_scan(data: bytes) -> bool:
    """Whether the first scan of a JPEG is all that a decoder reads: it is sequential, and has all components."""
    frames = [(marker, at) for marker, at in segments(data) if marker in _JPEG_FRAMES or marker == SCAN]
    if len(frames) != 2 or frames[0][0] not in _JPEG_SEQUENTIAL or frames[1][0] != SCAN:
        return False
    (_, frame), (_, scan) = frames
    return data[frame + 7 : frame + 8] == data[scan + 2 : scan + 3] != b""
