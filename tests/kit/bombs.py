"""Pictures that ask for far more than they show, made cheaply as they are needed; none is larger than an upload."""

import struct
import zlib
from collections.abc import Iterable

from PIL import Image

from tests.kit.pictures import encoded, jpeg

# A little below what an upload may have.
FULL = 19 * 2**20


def filled(head: bytes, unit: bytes, tail: bytes = b"", size: int = FULL) -> bytes:
    """As many copies of the unit between head and tail as fit into an upload."""
    return head + unit * ((size - len(head) - len(tail)) // len(unit)) + tail


def chunk(name: bytes, content: bytes = b"") -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def packed(parts: Iterable[bytes]) -> bytes:
    packer = zlib.compressobj(1)
    return b"".join([*(packer.compress(part) for part in parts), packer.flush()])


def png(
    width: int,
    height: int,
    *,
    depth: int = 8,
    colour: int = 0,
    extra: bytes = b"",
    behind: bytes = b"",
    body: bytes | None = None,
) -> bytes:
    """A black PNG of any size, in about a thousandth of its pixels and without one in memory."""
    samples = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour]
    row = bytes(1 + (width * samples * depth + 7) // 8)
    many = max(1, min(height, 2**20 // len(row)))
    if body is None:
        rows = [row * many] * (height // many) + [row * (height % many)]
        body = packed(rows)
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"".join(
        [b"\x89PNG\r\n\x1a\n", chunk(b"IHDR", header), extra, chunk(b"IDAT", body), behind, chunk(b"IEND")]
    )


def inflating(name: bytes, head: bytes, size: int) -> bytes:
    """A chunk whose text or profile becomes so many bytes."""
    return chunk(name, head + packed([bytes(2**20)] * (size >> 20)))


def png_of_chunks(unit: bytes, *, behind: bool = False) -> bytes:
    many = unit * ((FULL - 200) // len(unit))
    return png(20, 20, behind=many) if behind else png(20, 20, extra=many)


def png_of_empty_data() -> bytes:
    whole = png(20, 20)
    at = whole.index(b"IDAT") - 4
    return filled(whole[:at], chunk(b"IDAT"), whole[at:])


def jpeg_of(unit: bytes, size: int = FULL) -> bytes:
    """A JPEG with so many of the unit before its picture."""
    whole = jpeg(64, 48)
    return filled(whole[:2], unit, whole[2:], size)


def jpeg_with_scans(unit: bytes) -> bytes:
    """And within it; of a progressive one, because others end with their first scan."""
    whole = jpeg(64, 48, progressive=True)
    return filled(whole[:-2], unit, whole[-2:])


def webp_of(unit: bytes, size: int = FULL) -> bytes:
    """An extended WebP with so many chunks behind its picture."""
    whole = encoded(Image.new("RGB", (64, 48)), "WEBP", exif=b"Exif\0\0II*\0\x08\0\0\0\0\0")
    body = filled(whole[12:], unit, size=size)
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def box(kind: bytes, content: bytes = b"") -> bytes:
    return struct.pack(">I", len(content) + 8) + kind + content


def boxes_before(whole: bytes, unit: bytes, size: int = FULL) -> bytes:
    """An AVIF or HEIC with so many boxes behind its type."""
    end = int.from_bytes(whole[:4], "big")
    return filled(whole[:end], unit, whole[end:], size)


def nested(depth: int, kind: bytes = b"meta") -> bytes:
    """Boxes in boxes."""
    size = 12 * depth
    return b"".join(struct.pack(">I", size - 12 * level) + kind + bytes(4) for level in range(depth))


def gif_of(
    unit: bytes, *, behind: bool = False, picture: tuple[int, int] = (64, 48), size: int = FULL
) -> bytes:
    """A GIF with so many blocks before or behind its picture."""
    whole = encoded(Image.new("P", picture), "GIF")
    # Behind the header and the palette.
    at = 13 + (3 << (whole[10] & 7) + 1 if whole[10] & 128 else 0)
    at = len(whole) - 1 if behind else at
    return filled(whole[:at], unit, whole[at:], size)


def entry(tag: int, kind: int, count: int, value: int) -> bytes:
    return struct.pack("<HHII", tag, kind, count, value)


def tiff(entries: list[bytes], body: bytes = b"", following: int = 0) -> bytes:
    """A TIFF of these entries; the body begins at byte 8."""
    directory = struct.pack("<H", len(entries)) + b"".join(entries) + struct.pack("<I", following)
    return b"II*\0" + struct.pack("<I", 8 + len(body)) + body + directory


def plain_tiff(width: int, height: int, *, extra: Iterable[bytes] = (), body: bytes = b"") -> bytes:
    """A grey TIFF, one strip, uncompressed, with more entries."""
    pixels = bytes(width * height)
    entries = [
        entry(256, 4, 1, width),
        entry(257, 4, 1, height),
        entry(258, 3, 1, 8),
        entry(259, 3, 1, 1),
        entry(262, 3, 1, 1),
        entry(273, 4, 1, 8),
        entry(278, 4, 1, height),
        entry(279, 4, 1, width * height),
    ]
    return tiff([*entries, *extra], pixels + body)


def bmp(width: int, height: int, compression: int, body: bytes, bits: int = 8) -> bytes:
    palette = bytes(4 << bits)
    header = struct.pack(
        "<IiiHHIIiiII", 40, width, height, 1, bits, compression, len(body), 0, 0, 1 << bits, 0
    )
    at = 14 + len(header) + len(palette)
    return b"BM" + struct.pack("<IHHI", at + len(body), 0, 0, at) + header + palette + body


def exif(numbers: int, *, tag: int = 0x0112, inside: int = 0) -> bytes:
    """EXIF with a tag, the orientation, of so many fractions; with `inside`, in the folder that this tag points to."""
    folder = struct.pack("<H", 1) + entry(tag, 5, numbers, 44 if inside else 26) + bytes(4)
    if inside:
        folder = struct.pack("<H", 1) + entry(inside, 4, 1, 26) + bytes(4) + folder
    return b"II*\0\x08\0\0\0" + folder + b"\1\0\0\0" * (2 * numbers)


def webp_animation(frames: int, canvas: tuple[int, int]) -> bytes:
    """So many frames of 2 x 2 pixels on a large canvas."""
    frame = encoded(Image.new("RGB", (2, 2), "red"), "WEBP", lossless=True)[12:]
    place = bytes(6) + b"\1\0\0" * 3 + b"\0"
    content = riff(b"ANMF", place + frame) * frames
    sides = b"".join((side - 1).to_bytes(3, "little") for side in canvas)
    return riff(b"RIFF", b"WEBP" + riff(b"VP8X", b"\2\0\0\0" + sides) + riff(b"ANIM", bytes(6)) + content)


def riff(kind: bytes, content: bytes) -> bytes:
    return kind + struct.pack("<I", len(content)) + content + bytes(len(content) % 2)


def apng(frames: int, side: int = 20) -> bytes:
    def control(number: int) -> bytes:
        return chunk(b"fcTL", struct.pack(">5I2H2B", number, side, side, 0, 0, 1, 10, 0, 0))

    body = packed([bytes((side + 1) * side)])
    more = (
        control(2 * number + 1) + chunk(b"fdAT", struct.pack(">I", 2 * number + 2) + body)
        for number in range(frames - 1)
    )
    first = chunk(b"acTL", struct.pack(">II", frames, 0)) + control(0)
    return png(side, side, extra=first, behind=b"".join(more))


def profile(tags: dict[bytes, bytes], *, space: bytes = b"RGB ", size: int | None = None) -> bytes:
    """A colour profile of these tags and the three that all have."""
    name = "odd".encode("utf-16-be")
    text = b"mluc" + bytes(4) + struct.pack(">II2s2sII", 1, 12, b"en", b"US", len(name), 28) + name
    white = b"XYZ " + struct.pack(">4i", 0, 63190, 65536, 54061)
    tags = {b"desc": text, b"cprt": text, b"wtpt": white, **tags}
    at, table, body = 132 + 12 * len(tags), b"", b""
    for kind, content in tags.items():
        table += kind + struct.pack(">II", at + len(body), len(content))
        body += content + bytes(-len(content) % 4)
    head = struct.pack(
        ">I4sI4s4s4s12x4s28xIII", size or at + len(body), b"lcms", 0x04300000, b"mntr", space, b"Lab ", b"acsp",
        0xF6D6, 0x10000, 0xD32D,
    )  # fmt: skip
    return head.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + body


def table(channels: int, points: int) -> bytes:
    """A colour table of so many points a channel."""
    head = (
        b"mft2"
        + bytes(4)
        + bytes([channels, 3, points, 0])
        + struct.pack(">9i", *[65536, 0, 0, 0] * 2, 65536)
    )
    ends = struct.pack(">HH", 0, 65535)
    return head + struct.pack(">HH", 2, 2) + ends * channels + bytes(6 * points**channels) + ends * 3


def program_profile(steps: int, pieces: int) -> bytes:
    """Colours by so many steps of curves in so many pieces, all of them the same few bytes."""
    breaks = b"".join(struct.pack(">f", 2 * (piece + 1) / pieces - 1) for piece in range(pieces - 1))
    piece = b"parf" + bytes(4) + struct.pack(">HHffff", 0, 0, 1, 1, 0, 0)
    curve = b"curf" + bytes(4) + struct.pack(">HH", pieces, 0) + breaks + piece * pieces
    step = b"cvst" + bytes(4) + struct.pack(">HH", 3, 3) + struct.pack(">II", 36, len(curve)) * 3 + curve
    places = struct.pack(">II", 16 + 8 * steps, len(step)) * steps
    program = b"mpet" + bytes(4) + struct.pack(">HHI", 3, 3, steps) + places + step
    return profile({b"D2B0": program, b"A2B0": table(3, 9)})
