"""Of how many parts a file is made: too many are refused before a decoder walks them, and the walk ends early."""

import re
import struct
from collections.abc import Callable
from typing import Any

import pytest

from indexer.decoding.metadata import Metadata, metadata_in
from model import SKETCH_CAPS, BadImage, decode
from model.pictures import layout
from model.pictures.claims import claimed_pixels
from model.pictures.layout import MOST_FILLING, excess, segments
from model.pictures.sniff import declared_size, has_more_scans
from tests.kit.bombs import (
    bmp,
    box,
    boxes_before,
    chunk,
    entry,
    exif,
    gif_of,
    jpeg_of,
    plain_tiff,
    png,
    webp_of,
)
from tests.kit.pictures import encoded, jpeg, photo, scene

SIZE = 2**18
KINDS = ["AVIF", "BMP", "GIF", "HEIF", "JPEG", "PNG", "TIFF", "WEBP"]


class Counted:
    """A pattern that counts how often it is asked."""

    def __init__(self, pattern: re.Pattern[bytes]) -> None:
        self._pattern = pattern
        self.asked = 0

    def search(self, *given: Any) -> Any:
        self.asked += 1
        return self._pattern.search(*given)


@pytest.mark.parametrize("kind", KINDS)
def test_common_pictures_have_nothing_in_excess(kind: str) -> None:
    assert excess(encoded(photo(640, 480), kind), kind) is None
    assert excess(encoded(photo(640, 480), kind)[:40], kind) is None
    assert excess(b"", kind) is None


def test_pictures_with_much_beside_them_pass() -> None:
    profile, places = bytes(300_000), b"Exif\0\0" + exif(2000)
    for data, kind in (
        (jpeg(64, 48, icc_profile=profile, exif=places, comment=b"x" * 60_000), "JPEG"),
        (jpeg(64, 48) + bytes(10**6), "JPEG"),
        (encoded(scene(), "PNG", icc_profile=profile, exif=places), "PNG"),
        (encoded(scene(), "WEBP", icc_profile=profile, exif=places), "WEBP"),
        (encoded(scene(10, 30_000), "TIFF", icc_profile=profile, tiffinfo={278: 1}), "TIFF"),
        (encoded(scene(), "GIF", comment=b"x" * 100_000), "GIF"),
    ):
        assert excess(data, kind) is None
        assert decode(data).width in (64, 120, 10)


# Behind the pixels of a TIFF of 10 x 10.
EXIF_AT = [entry(0x8769, 4, 1, 108)]


def directory(*entries: bytes) -> bytes:
    return struct.pack("<H", len(entries)) + b"".join(entries) + bytes(4)


FLOODS: dict[str, tuple[str, Callable[[], bytes]]] = {
    "segments": ("JPEG", lambda: jpeg_of(b"\xff\xe0\0\2", size=SIZE)),
    "bare markers": ("JPEG", lambda: jpeg_of(b"\xff\xd0", size=SIZE)),
    "filling": ("JPEG", lambda: jpeg_of(b"\xff", size=SIZE)),
    "zeros": ("JPEG", lambda: jpeg_of(b"\xff\xe0\0\4ab" + bytes(MOST_FILLING - 10), size=SIZE)),
    "an end before the picture": ("JPEG", lambda: jpeg_of(b"\xff\xd9" + bytes(2**15), size=SIZE)),
    "extensions that are walked": ("JPEG", lambda: jpeg_of(b"\xff\xf0\xff\xf0" + bytes(65518), size=SIZE)),
    "EXIF joined": ("JPEG", lambda: jpeg_of(b"\xff\xe1\0\x08Exif\0\0", size=SIZE)),
    "resources": ("JPEG", lambda: jpeg_of(b"\xff\xed\xff\xff" + b"8BIM" * 16383 + b"x", size=2**20)),
    "chunks": ("PNG", lambda: png(20, 20, extra=chunk(b"prVt") * 60_000)),
    "chunks behind": ("PNG", lambda: png(20, 20, behind=chunk(b"prVt") * 60_000)),
    "texts": ("PNG", lambda: png(20, 20, extra=chunk(b"zTXt", b"a\0\0") * 101)),
    "riff": ("WEBP", lambda: webp_of(b"abcd\0\0\0\0", size=2**19)),
    "avif boxes": ("AVIF", lambda: boxes_before(encoded(scene(), "AVIF"), box(b"free"), size=2**19)),
    "heif boxes": ("HEIF", lambda: boxes_before(encoded(scene(), "HEIF"), box(b"free"), size=2**19)),
    "comments": ("GIF", lambda: gif_of(b"!\xfe\1a\0", size=SIZE)),
    "one comment": ("GIF", lambda: gif_of(b"!\xfe" + b"\1a" * 60_000 + b"\0", size=SIZE)),
    "stray bytes": ("GIF", lambda: gif_of(b"\0", size=SIZE)),
    "entries": ("TIFF", lambda: plain_tiff(10, 10, extra=[entry(40_000, 3, 1, 0)] * 60_000)),
    "numbers": ("TIFF", lambda: plain_tiff(10, 10, extra=[entry(4, 4, 100_001, 0)] * 4, body=bytes(400_000))),
    "numbers in EXIF": (
        "TIFF",
        lambda: plain_tiff(10, 10, extra=EXIF_AT, body=directory(entry(0x9204, 5, 400_001, 0)) + bytes(4 * 10**6)),
    ),
    "folders in folders": ("TIFF", lambda: plain_tiff(10, 10, extra=EXIF_AT, body=directory(*EXIF_AT * 2))),
    "run lengths": ("BMP", lambda: bmp(5000, 5000, 1, b"\0\0" * 5000)),
    "runs": ("BMP", lambda: bmp(300, 300, 1, b"\1\1" * 100_000)),
}  # fmt: skip


@pytest.mark.parametrize("name", FLOODS)
def test_floods_are_refused_wherever_files_are_opened(name: str) -> None:
    kind, make = FLOODS[name]
    data = make()
    line = excess(data, kind)
    assert line is not None
    assert line.startswith(f"the {kind} ")
    with pytest.raises(BadImage, match=re.escape(line)):
        decode(data, caps=SKETCH_CAPS)
    assert claimed_pixels(data) == 0
    assert metadata_in(data) == Metadata()


def test_a_walk_ends_at_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long the file is: what is refused costs no more than an honest file."""
    counted = Counted(layout._MARKER)
    monkeypatch.setattr(layout, "_MARKER", counted)
    flood = jpeg_of(b"\xff\xe0\0\2", size=2**20)
    assert excess(flood, "JPEG") is not None
    assert counted.asked == layout.MOST_PARTS + 1
    counted.asked = 0
    assert [marker for marker, _ in segments(b"\xff\xd8" + b"\xff" * 2**20)] == [layout.FILLING]
    assert declared_size(b"\xff\xd8" + b"\xff" * 2**20, "JPEG") is None
    assert counted.asked == 2


def test_markers_among_scans_are_counted_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    counted = Counted(re.compile(rb"\xff[^\x00\xff\xd0-\xd7]"))
    monkeypatch.setattr("model.pictures.sniff._JPEG_MARKER", counted)
    whole = jpeg(64, 48, progressive=True)
    remarks = whole[:-2] + b"\xff\xfe\0\4\xff\xda" * 100_000 + whole[-2:]
    assert has_more_scans(remarks, 50)
    assert counted.asked == 1000


def test_exif_that_takes_seconds_to_read_is_passed_over() -> None:
    for kind in ("PNG", "WEBP"):
        data = encoded(scene(), kind, exif=b"Exif\0\0" + exif(40_000))
        assert decode(data).image.size == (120, 80)
        assert metadata_in(data) == Metadata()
    tag, other = struct.pack("<HH", 0x0112, 5), struct.pack("<HH", 0x829A, 5)
    written = encoded(scene(), "AVIF", exif=b"Exif\0\0" + exif(40_000, tag=0x829A))
    assert written.count(other) == 1
    with pytest.raises(BadImage, match="far more EXIF"):
        decode(written.replace(other, tag))


def test_a_long_gif_costs_its_first_picture() -> None:
    frame = b",\0\0\0\0\1\0\1\0\0\2\2D\1\0"
    assert decode(gif_of(frame, behind=True, size=2**20)).image.size == (64, 48)


def test_a_run_length_bmp_of_its_time_is_read() -> None:
    rows = (b"\x50\1" + b"\x50\0" + b"\0\0") * 100
    assert decode(bmp(160, 100, 1, rows + b"\0\1")).image.size == (160, 100)
