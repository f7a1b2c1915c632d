"""Camera raw files, made on the spot: a DNG of a few pixels with a JPEG preview in it, as cameras write them."""

import struct

Entry = tuple[int, int, int, bytes]


def directory(entries: list[Entry], at: int) -> bytes:
    """A TIFF directory that will lie at a place, its long values behind it."""
    head, tail = struct.pack("<H", len(entries)), b""
    behind = at + 2 + 12 * len(entries) + 4
    for tag, kind, count, value in sorted(entries):
        if len(value) > 4:
            place = struct.pack("<I", behind + len(tail))
            tail += value + b"\0" * (len(value) % 2)
        else:
            place = value.ljust(4, b"\0")
        head += struct.pack("<HHI", tag, kind, count) + place
    return head + bytes(4) + tail


def numbers(tag: int, *values: int, kind: int = 4) -> Entry:
    layout = {1: "B", 3: "H", 4: "I"}[kind]
    return tag, kind, len(values), struct.pack(f"<{len(values)}{layout}", *values)


def text(tag: int, value: str) -> Entry:
    return tag, 2, len(value) + 1, value.encode() + b"\0"


def dng(shown: bytes, size: tuple[int, int], orientation: int = 1) -> bytes:
    """The preview is the first picture, as in most cameras' files; the sensor's pixels lie in a subfolder."""
    side = 64
    sensor = struct.pack("<H", 800) * side * side
    first = 8
    pixels_at = 4096
    preview_at = pixels_at + len(sensor)
    below_at = 2048
    main = [
        numbers(254, 1),
        numbers(256, size[0]),
        numbers(257, size[1]),
        numbers(258, 8, 8, 8, kind=3),
        numbers(259, 7, kind=3),
        numbers(262, 6, kind=3),
        text(271, "Camera"),
        text(272, "Camera One"),
        numbers(273, preview_at),
        numbers(274, orientation, kind=3),
        numbers(277, 3, kind=3),
        numbers(278, size[1]),
        numbers(279, len(shown)),
        numbers(330, below_at),
        numbers(50706, 1, 4, 0, 0, kind=1),
        text(50708, "Camera One"),
    ]
    below = [
        numbers(254, 0),
        numbers(256, side),
        numbers(257, side),
        numbers(258, 16, kind=3),
        numbers(259, 1, kind=3),
        numbers(262, 32803, kind=3),
        numbers(273, pixels_at),
        numbers(277, 1, kind=3),
        numbers(278, side),
        numbers(279, len(sensor)),
        numbers(33421, 2, 2, kind=3),
        numbers(33422, 0, 1, 1, 2, kind=1),
    ]
    data = b"II*\0" + struct.pack("<I", first) + directory(main, first)
    data = data.ljust(below_at, b"\0") + directory(below, below_at)
    return data.ljust(pixels_at, b"\0") + sensor + shown
