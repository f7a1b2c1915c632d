"""Of how many parts a file is made, counted before a decoder walks them: segments, chunks, blocks, entries.

Decoders take a microsecond and a few dozen bytes for each part, however small, and an upload has room for millions.
Every walk here stops at a limit that no honest file comes near, and says then what there is too much of.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator

# An upload of 20 MB in chunks of 8 KiB, as most PNGs are written, has 2,500; a library's 256 MiB have 32,768.
MOST_PARTS = 50_000
# What may lie between two segments of a JPEG: cameras fill up to a sector or a page, and no further.
MOST_FILLING = 64 * 2**10
# Segments of a JPEG with EXIF, which Pillow joins one by one: cameras write one.
MOST_EXIF = 16
# Texts and profiles in a PNG that are packed: each may become a megabyte.
MOST_PACKED = 100
# Numbers in the entries of a TIFF. A strip for each row, with place and size, makes two a row.
MOST_NUMBERS = 400_000
# Pixels of a run-length BMP, which is decoded byte by byte: screens of its time had no more.
MOST_RUN_LENGTH = 2_500_000
# Bytes of EXIF that are read: a segment of a JPEG has room for 65,533.
MOST_EXIF_BYTES = 256 * 2**10

_MARKER = re.compile(rb"\xff[^\x00\xff]")
# Behind these, Pillow looks for the next marker byte by byte: TEM, restarts, start and end, and extensions of JPEG.
_BARE = frozenset({0x01, 0xC8, *range(0xD0, 0xDA), *range(0xF0, 0xFE)})
SCAN, FILLING = 0xDA, 0
_APP1, _APP13 = 0xE1, 0xED
_IMAGE, _EXTENSION, _TRAILER = 0x2C, 0x21, 0x3B
# Of EXIF, of places, and of how to work together.
_FOLDERS = (0x8769, 0x8825, 0xA005)
_PACKED = (b"iCCP", b"zTXt", b"iTXt")
# Bytes of a number of each TIFF type that becomes an object of its own; texts and bytes stay as they are.
_NUMBERS = {3: 2, 4: 4, 5: 4, 8: 2, 9: 4, 10: 4, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}


class _TooMuch(Exception):
    """Its text says of what."""


def excess(data: bytes, name: str) -> str | None:
    """What the file has far too much of, as a line for people; None for every honest one, and for broken ones."""
    walk = _WALKS.get(name)
    try:
        if walk is not None:
            walk(data)
    except _TooMuch as error:
        return f"the {name} {error}; export it again"
    except (struct.error, IndexError):
        # It breaks off, which its decoder will say better.
        return None
    return None


def segments(data: bytes) -> Iterator[tuple[int, int]]:
    """The marker of each segment of a JPEG up to its first scan, and where its content begins.

    FILLING as the last one where there is more between segments than there should be.
    """
    at, filling = 2, 0
    while filling <= MOST_FILLING and (found := _MARKER.search(data, at, at + MOST_FILLING)):
        filling += found.start() - at
        marker, at = data[found.start() + 1], found.end()
        yield marker, at
        if marker == SCAN:
            return
        if marker not in _BARE:
            at += int.from_bytes(data[at : at + 2], "big")
    if filling > MOST_FILLING or at + MOST_FILLING <= len(data):
        yield FILLING, at


def _count(parts: int, kind: str) -> None:
    if parts > MOST_PARTS:
        raise _TooMuch(f"is made of more than {MOST_PARTS} {kind}")


def _jpeg(data: bytes) -> None:
    exif = resources = 0
    for number, (marker, at) in enumerate(segments(data), 1):
        _count(number, "segments")
        exif += marker == _APP1 and data.startswith(b"Exif", at + 2)
        if marker == _APP13:
            resources += data.count(b"8BIM", at, at + int.from_bytes(data[at : at + 2], "big"))
            _count(resources, "resources")
        if exif > MOST_EXIF:
            raise _TooMuch(f"has more than {MOST_EXIF} segments of EXIF")
        if marker == FILLING:
            raise _TooMuch("has long empty stretches before its picture")


def _png(data: bytes) -> None:
    at, number, packed = 8, 0, 0
    while at + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        number += 1
        packed += kind in _PACKED
        _count(number, "chunks")
        if packed > MOST_PACKED:
            raise _TooMuch(f"has more than {MOST_PACKED} packed texts and profiles")
        if kind == b"IEND":
            return
        at += 12 + length


def _riff(data: bytes) -> None:
    at, number = 12, 0
    while at + 8 <= len(data):
        number += 1
        _count(number, "chunks")
        length = int.from_bytes(data[at + 4 : at + 8], "little")
        at += 8 + length + length % 2


def _boxes(data: bytes) -> None:
    """The outermost boxes; those inside are counted by the libraries that read them."""
    at, number = 0, 0
    while at + 8 <= len(data):
        number += 1
        _count(number, "boxes")
        length = int.from_bytes(data[at : at + 4], "big")
        if length == 1:
            length = int.from_bytes(data[at + 8 : at + 16], "big")
        if length < 8:
            return
        at += length


def _gif(data: bytes) -> None:
    """Up to the first picture, the only one that is decoded; stray bytes count as well."""
    flags = data[10]
    at, number = 13 + (3 << (flags & 7) + 1 if flags & 0x80 else 0), 0
    while at < len(data) and data[at] not in (_IMAGE, _TRAILER):
        number += 1
        _count(number, "blocks")
        if data[at] != _EXTENSION:
            at += 1
            continue
        at += 2
        while data[at]:
            number += 1
            _count(number, "blocks")
            at += 1 + data[at]
        at += 1


def _tiff(data: bytes) -> None:
    """The first folder of entries and those of its EXIF, which are all that is read."""
    order, big = "<" if data[:2] == b"II" else ">", data[2:4] in (b"+\0", b"\0+")
    first, count, entry, size = ("Q", "=Q", "HHQQ", 20) if big else ("I", "=H", "HHII", 12)
    folders = list(struct.unpack_from(order + first, data, 8 if big else 4))
    number = numbers = 0
    while folders:
        at = folders.pop()
        (entries,) = struct.unpack_from(order + count[1:], data, at)
        number += 1 + entries
        _count(number, "entries")
        at += struct.calcsize(count)
        for place in range(at, min(at + size * entries, len(data) - size + 1), size):
            tag, kind, values, value = struct.unpack_from(order + entry, data, place)
            numbers += values if values * _NUMBERS.get(kind, len(data)) <= len(data) else 0
            if numbers > MOST_NUMBERS:
                raise _TooMuch(f"has more than {MOST_NUMBERS} numbers in its entries")
            if tag in _FOLDERS and value < len(data) - 8:
                folders.append(value)


def _bmp(data: bytes) -> None:
    if data[14] == 12:
        return
    width, height = struct.unpack_from("<ii", data, 18)
    (compression,) = struct.unpack_from("<I", data, 30)
    if compression not in (1, 2):
        return
    pixels = abs(width * height)
    if pixels > MOST_RUN_LENGTH:
        raise _TooMuch(f"is run-length encoded, which is read up to {MOST_RUN_LENGTH / 1e6:g} megapixels")
    if len(data) > pixels + pixels // 8 + MOST_FILLING:
        raise _TooMuch("is run-length encoded, and longer than without")


_WALKS: dict[str, Callable[[bytes], None]] = {
    "JPEG": _jpeg,
    "PNG": _png,
    "WEBP": _riff,
    "AVIF": _boxes,
    "HEIF": _boxes,
    "GIF": _gif,
    "TIFF": _tiff,
    "BMP": _bmp,
}
