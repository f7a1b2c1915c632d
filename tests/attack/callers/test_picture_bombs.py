"""Pictures made to cost far more than they show. Each is decoded as an upload in a process of its own: as a sketch, as
a photo and for its metadata: refused or decoded as it should be, and never in more memory than an honest picture takes.
"""

import os
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from PIL import Image

from tests.kit import TOP, bombs
from tests.kit.bombs import (
    chunk,
    entry,
    exif,
    filled,
    gif_of,
    jpeg_of,
    jpeg_with_scans,
    plain_tiff,
    png,
    webp_of,
)
from tests.kit.hostile import progressive
from tests.kit.pictures import encoded, jpeg, photo, scene

# MiB beyond what the process had before. An honest 25 megapixels take 260 as a sketch, in WebP 400.
MOST = 440

# Decodes what it is sent, each in a fork of its own. The peak is /proc's: that of getrusage is inherited.
SERVER = """
import os, re, resource, struct, sys
from pathlib import Path
from indexer.decoding.metadata import metadata_in
from model import SKETCH_CAPS, BadImage, decode
from model.pictures.claims import claimed_pixels
from model.pictures.preprocess import photo_pixels, sketch_pixels

def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) >> 10

def tried(work):
    try:
        return work()
    except BadImage as error:
        return str(error)

def sketch():
    image = decode(data, caps=SKETCH_CAPS, keep_alpha=True).image
    sketch_pixels(image, 224)
    return f"decoded {image.width} x {image.height}"

def photo():
    photo_pixels(decode(data, caps=SKETCH_CAPS, shortest=224).image, 224)
    return "decoded"

while head := sys.stdin.buffer.read(8):
    data = sys.stdin.buffer.read(*struct.unpack("Q", head))
    child = os.fork()
    if not child:
        # The kernel ends what takes a quarter of a minute; what is bounded takes a second or two.
        resource.setrlimit(resource.RLIMIT_CPU, (15, 15))
        before = peak()
        lines = [tried(sketch), tried(photo)]
        metadata_in(data), claimed_pixels(data)
        print(*lines, peak() - before, sep="\\n", flush=True)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if status:
        print(*[f"died with status {status}"] * 2, 0, sep="\\n", flush=True)
"""


@dataclass(frozen=True)
class Outcome:
    sketch: str
    photo: str
    taken: int


class Server:
    def __init__(self, pipe: subprocess.Popen[bytes]) -> None:
        self._pipe = pipe

    def __call__(self, data: bytes) -> Outcome:
        assert self._pipe.stdin is not None
        assert self._pipe.stdout is not None
        self._pipe.stdin.write(struct.pack("Q", len(data)) + data)
        self._pipe.stdin.flush()
        sketch, shown, taken = (self._pipe.stdout.readline().decode().strip() for _ in range(3))
        return Outcome(sketch, shown, int(taken))


@pytest.fixture(scope="module")
def outcome() -> Iterator[Server]:
    quiet = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    with subprocess.Popen(
        [sys.executable, "-c", SERVER], cwd=TOP, env=quiet, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as pipe:
        yield Server(pipe)
        assert pipe.stdin is not None
        pipe.stdin.close()


REFUSED: dict[str, tuple[str, Callable[[], bytes]]] = {
    "JPEG of FF": ("long empty stretches before its picture", lambda: filled(b"\xff\xd8\xff", b"\xff")),
    "JPEG of starts": (
        "long empty stretches before its picture",
        lambda: filled(b"\xff\xd8", b"\xff\xff\xff\xd8"),
    ),
    "JPEG of segments": ("more than 50000 segments", lambda: jpeg_of(b"\xff\xe0\0\2")),
    "JPEG of remarks": ("more than 50000 segments", lambda: jpeg_of(b"\xff\xfe\0\2")),
    "JPEG of EXIF": ("segments of EXIF", lambda: jpeg_of(b"\xff\xe1\1\x02Exif\0\0" + bytes(250))),
    "JPEG of scans": ("more than 25 scans", lambda: progressive(5000, 30)),
    "JPEG of remarks among scans": (
        "more than 25 scans",
        lambda: jpeg_with_scans(b"\xff\xfe\0\4\xff\xda"),
    ),
    "PNG of chunks": ("more than 50000 chunks", lambda: bombs.png_of_chunks(chunk(b"prVt"))),
    "PNG of empty data": ("more than 50000 chunks", bombs.png_of_empty_data),
    "PNG of profiles": (
        "packed texts and profiles",
        lambda: png(20, 20, extra=bombs.inflating(b"iCCP", b"a\0\0", 2**20) * 4000),
    ),
    "PNG with a profile of 64 MB": (
        "cannot be read",
        lambda: png(20, 20, extra=bombs.inflating(b"iCCP", b"a\0\0", 2**26)),
    ),
    "PNG with a text of 64 MB": (
        "cannot be read",
        lambda: png(20, 20, extra=bombs.inflating(b"iTXt", b"a\0\1\0\0\0", 2**26)),
    ),
    "PNG of one column": ("a side may have at most 65535", lambda: png(1, 25_000_000)),
    "PNG of one row": ("a side may have at most 65535", lambda: png(25_000_000, 1)),
    "WebP of chunks": ("more than 50000 chunks", lambda: webp_of(b"abcd\0\0\0\0")),
    "AVIF of boxes": (
        "more than 50000 boxes",
        lambda: bombs.boxes_before(encoded(scene(), "AVIF"), bombs.box(b"free")),
    ),
    "HEIC of boxes": (
        "more than 50000 boxes",
        lambda: bombs.boxes_before(encoded(scene(), "HEIF"), bombs.box(b"free")),
    ),
    "HEIC of nested boxes": (
        "damaged",
        lambda: bombs.boxes_before(encoded(scene(), "HEIF"), bombs.nested(100_000)),
    ),
    "GIF of remarks": ("more than 50000 blocks", lambda: gif_of(b"!\xfe\1a\0")),
    "GIF of loops": ("more than 50000 blocks", lambda: gif_of(b"!\xff\x0bNETSCAPE2.0\3\1\0\0\0")),
    "TIFF of numbers": (
        "more than 400000 numbers",
        lambda: plain_tiff(10, 10, extra=[entry(273, 4, 2_000_000, 8)] * 2, body=bytes(8_000_000)),
    ),
    "BMP of empty rows": ("2.5 megapixels", lambda: bombs.bmp(5000, 5000, 1, b"\0\0" * 5000)),
    "JPEG of 4,295 megapixels": (
        "4295 megapixels",
        lambda: jpeg(64, 48).replace(b"\x08\0\x30\0\x40", b"\x08\xff\xff\xff\xff"),
    ),
}

DECODED: dict[str, Callable[[], bytes]] = {
    "restarts": lambda: jpeg_with_scans(b"\xff\xd0\xff\xd1\xff\xd2\xff\xd3"),
    "scans up to the limit": lambda: progressive(3000, 14),
    "arithmetic coding": lambda: jpeg(64, 48).replace(b"\xff\xc0", b"\xff\xc9"),
    "EXIF in a PNG": lambda: png(640, 480, extra=chunk(b"eXIf", exif(2_300_000))),
    "EXIF in a WebP": lambda: encoded(photo(), "WEBP", exif=b"Exif\0\0" + exif(1_000_000, inside=0x8769)),
    "RGBA of 16 bits": lambda: png(5000, 5000, colour=6, depth=16),
    "grey of 16 bits": lambda: png(5000, 5000, depth=16),
    "floats": lambda: encoded(Image.new("F", (5000, 5000), 0.5), "TIFF", compression="tiff_deflate"),
    "CMYK": lambda: encoded(Image.new("CMYK", (5000, 5000)), "TIFF", compression="tiff_deflate"),
    "a turned JPEG": lambda: encoded(
        Image.new("RGB", (5000, 5000), "red"), "JPEG", exif=b"Exif\0\0" + TURNED
    ),
    "a long GIF": lambda: gif_of(b",\0\0\0\0\1\0\1\0\0\2\2D\1\0", behind=True, picture=(4000, 4000)),
    "a long WebP": lambda: bombs.webp_animation(15_000, (5000, 5000)),
    "a long APNG": lambda: bombs.apng(10_000),
    "a profile of 18 MB": lambda: jpeg(icc_profile=bombs.profile({b"A2B0": bytes(18 * 2**20)})),
    "a profile that lies": lambda: jpeg(icc_profile=bombs.profile({}, size=2**32 - 1)),
    "a profile of endless steps": lambda: jpeg(icc_profile=bombs.program_profile(5000, 1000)),
    "a profile of large tables": lambda: jpeg(icc_profile=bombs.profile({b"A2B0": bombs.table(3, 80)})),
    "a profile of other colours": lambda: jpeg(
        icc_profile=bombs.profile({b"A2B0": bombs.table(4, 28)}, space=b"CMYK")
    ),
    "a panorama": lambda: jpeg(20_000, 1_200),
}
TURNED = bombs.tiff([entry(0x0112, 3, 1, 6)])


@pytest.mark.parametrize("name", REFUSED)
def test_refused_before_it_costs_anything(name: str, outcome: Server) -> None:
    why, make = REFUSED[name]
    data = make()
    assert len(data) <= bombs.FULL + 2**20
    found = outcome(data)
    assert why in found.sketch
    assert why in found.photo
    assert found.taken < 100


@pytest.mark.parametrize("name", DECODED)
def test_decoded_within_the_memory_of_an_honest_picture(name: str, outcome: Server) -> None:
    found = outcome(DECODED[name]())
    # A sheet of one colour is a picture well enough, though no drawing.
    assert found.sketch.startswith(("decoded", "the drawing is empty"))
    assert found.photo == "decoded"
    assert found.taken < MOST
