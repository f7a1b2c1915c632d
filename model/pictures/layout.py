"""Count the parts of a file (segments, chunks, blocks, entries) before a decoder walks them.

Each part costs a decoder a microsecond and a few dozen bytes, however small it is, and an upload has room for millions.
Every walk here stops at a limit that no honest file comes near, and then reports what there is too much of.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator

# An upload of 20 MB in chunks of 8 KiB, as most PNGs are written, has 2,500; a library's 256 MiB have 32,768.
MOST_PARTS = 50_000
# Bytes allowed between two segments of a JPEG: cameras pad to a sector or a page, no further.
MOST_FILLING = 64 * 2**10
# EXIF segments of a JPEG, which Pillow joins one by one: cameras write one.
MOST_EXIF = 16
# Compressed texts and profiles in a PNG: each may grow to a megabyte.
MOST_PACKED = 100
# Numbers in the entries of a TIFF. One strip per row makes two numbers per row: offset and size.
MOST_NUMBERS = 400_000
# Pixels of a run-length BMP, which is decoded byte by byte: screens of its time had no more.
MOST_RUN_LENGTH = 2_500_000
# Most bytes of EXIF to read: a JPEG segment has room for 65,533.
MOST_EXIF_BYTES = 256 * 2**10

_MARKER = re.compile(rb"\xff[^\x00\xff]")
# After these, Pillow searches for the next marker byte by byte: TEM, restarts, start and end, and JPEG extensions.
_BARE = frozenset({0x01, 0xC8, *range(0xD0, 0xDA), *range(0xF0, 0xFE)})
SCAN, FILLING = 0xDA, 0
_APP1, _APP13 = 0xE1, 0xED
_IMAGE, _EXTENSION, _TRAILER = 0x2C, 0x21, 0x3B
# The EXIF, GPS and interoperability folders.
_FOLDERS = (0x8769, 0x8825, 0xA005)
_PACKED = (b"iCCP", b"zTXt", b"iTXt")
# Bytes per number, for the TIFF types whose numbers become objects; texts and bytes stay as they are.
_NUMBERS = {3: 2, 4: 4, 5: 4, 8: 2, 9: 4, 10: 4, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}


class _TooMuch(Exception):
    """There is too much of something; the text says of what."""


def excess(data: bytes, name: str) -> str | None:
    """Report what the file has far too much of, in one line; None for honest files, and for broken ones."""
    walk = _WALKS.get(name)
    try:
        if walk is not None:
            walk(data)
    except _TooMuch as error:
        return f"the {name} {error}; export it again"
    except (struct.error, IndexError):
        # The file is cut off; its decoder will report that better.
        return None
    return None


def segments(data: bytes) -> Iterator[tuple[int, int]]:
    """Yield the marker of each segment of a JPEG up to its first scan, and where its content starts.

    The last one is FILLING if there is more between segments than there should be.
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
    """Count the outermost boxes; the libraries that read them count those inside."""
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
    """Count up to the first picture, the only one that is decoded; stray bytes count, too."""
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
    """Check the first folder of entries and its EXIF folders: nothing else is read."""
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
