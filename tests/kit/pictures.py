"""Real picture files made on the spot, for the tests of every room."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageCms, ImageDraw

from model.errors import BadImage
from model.pictures.images import decode

RED, BLUE = (220, 30, 30), (30, 60, 200)

# What a camera does to the upright scene before it writes the tag that undoes it.
_STORED = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    """The picture as a file of the given kind; HEIF needs pillow-heif."""
    if kind == "HEIF":
        import pillow_heif

        pillow_heif.register_heif_opener(thumbnails=False, depth_images=False, aux_images=False)
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def scene(width: int = 120, height: int = 80) -> Image.Image:
    """A blue picture whose upper left quarter is red, so that every turn and mirroring shows."""
    image = Image.new("RGB", (width, height), BLUE)
    image.paste(RED, (0, 0, width // 2, height // 2))
    return image


def photo(width: int = 640, height: int = 480, seed: int = 0) -> Image.Image:
    """Something like a photograph: soft colours and texture everywhere, no paper."""
    waves = [
        Image.radial_gradient("L").resize((width, height)),
        Image.linear_gradient("L").resize((width, height)),
        Image.linear_gradient("L").rotate(90).resize((width, height)),
    ]
    image = Image.merge("RGB", waves[seed % 3 :] + waves[: seed % 3])
    draw = ImageDraw.Draw(image)
    for step in range(60):
        x, y = (step * 97 + seed * 31) % width, (step * 61 + seed * 17) % height
        colour = ((step * 41 + seed) % 256, (step * 83) % 256, (step * 29 + 7 * seed) % 256)
        draw.ellipse((x, y, x + width // 9, y + height // 7), fill=colour)
    return image


def jpeg(width: int = 640, height: int = 480, seed: int = 0, **options: Any) -> bytes:
    return encoded(photo(width, height, seed), "JPEG", **options)


def oriented(tag: int, kind: str = "JPEG", width: int = 120, height: int = 80, **options: Any) -> bytes:
    """`scene` as a camera held that way would store it: turned, with the EXIF orientation `tag`."""
    turn = _STORED[tag]
    stored = scene(width, height) if turn is None else scene(width, height).transpose(turn)
    exif = Image.Exif()
    exif[0x0112] = tag
    if kind == "HEIF":
        # So that pillow-heif writes the turn twice, in EXIF and in the container's own boxes, as phones do.
        stored.info["exif"] = exif.tobytes()
        return encoded(stored, kind, **options)
    return encoded(stored, kind, exif=exif, **options)


def truncated(data: bytes, share: float = 0.5) -> bytes:
    return data[: int(len(data) * share)]


def bomb_png(width: int = 30_000, height: int = 30_000) -> bytes:
    """A black 1-bit PNG of any size, in about a thousandth of its pixels and without one in memory."""
    packer = zlib.compressobj(9)
    row = bytes(1 + (width + 7) // 8)
    body = b"".join(packer.compress(row * 100) for _ in range(height // 100))
    body += packer.compress(row * (height % 100)) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", body), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, content) for name, content in chunks)


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def line_drawing(
    size: int = 512, *, ink: Any = "black", paper: Any = "white", width: int = 4, mode: str = "RGB"
) -> Image.Image:
    """A house of a few strokes in the middle of a sheet; with mode RGBA and paper (0, 0, 0, 0) on nothing."""
    image = Image.new(mode, (size, size), paper)
    draw = ImageDraw.Draw(image)
    points = [(0.3, 0.7), (0.3, 0.45), (0.5, 0.3), (0.7, 0.45), (0.7, 0.7), (0.3, 0.7)]
    draw.line([(x * size, y * size) for x, y in points], fill=ink, width=width, joint="curve")
    draw.rectangle((0.46 * size, 0.56 * size, 0.54 * size, 0.7 * size), outline=ink, width=width)
    return image


def drawing_png(size: int = 512, **options: Any) -> bytes:
    return encoded(line_drawing(size, **options), "PNG")


def refusal(source: bytes | Path, **options: object) -> str:
    with pytest.raises(BadImage) as caught:
        decode(source, **options)  # type: ignore[arg-type]
    line = str(caught.value)
    assert line
    assert "\n" not in line
    return line


def profile_with_red_and_blue_swapped() -> bytes:
    """sRGB's profile with the two primaries exchanged: what is red on paper is blue in truth."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    entries = {}
    for at in range(132, 132 + 12 * struct.unpack_from(">I", profile, 128)[0], 12):
        entries[bytes(profile[at : at + 4])] = at
    red, blue = entries[b"rXYZ"], entries[b"bXYZ"]
    profile[red : red + 4], profile[blue : blue + 4] = b"bXYZ", b"rXYZ"
    return bytes(profile).replace("sRGB".encode("utf-16-be"), "Swap".encode("utf-16-be"))
