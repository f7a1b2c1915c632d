"""EXIF of every kind of file that carries it, and of files that carry nonsense."""

import io
import os
import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from indexer.catalogue.database import Catalogue
from indexer.catalogue.records import Entry
from indexer.decoding.metadata import Metadata, metadata_in
from tests.kit.exif import WHOLE, exif
from tests.kit.jobs import Job
from tests.kit.pictures import encoded, scene


def jpeg_with(**changes: object) -> Metadata:
    return metadata_in(encoded(scene(), "JPEG", exif=exif(**changes)))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "HEIF", "AVIF"])
def test_every_format_says_when_with_what_and_where(kind: str) -> None:
    assert metadata_in(encoded(scene(), kind, exif=exif().tobytes())) == WHOLE


def test_a_png_may_say_it_behind_its_pixels() -> None:
    plain = encoded(scene(), "PNG")
    chunks = io.BytesIO()
    PngImagePlugin.putchunk(chunks, b"eXIf", exif().tobytes().removeprefix(b"Exif\0\0"))
    assert metadata_in(plain[:-12] + chunks.getvalue() + plain[-12:]) == WHOLE


def test_a_png_is_not_decoded_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image.Image, "load", lambda *_: pytest.fail("decoded"))
    monkeypatch.setattr(PngImagePlugin.PngImageFile, "load", lambda *_: pytest.fail("decoded"))
    assert metadata_in(_PNG) == Metadata()


_PNG = encoded(scene(), "PNG")


@pytest.mark.parametrize(
    ("make", "model", "camera"),
    [
        ("NIKON CORPORATION", "NIKON D850", "NIKON D850"),
        ("Apple", "iPhone 15 Pro", "Apple iPhone 15 Pro"),
        ("  SONY \0 rubbish", "ILCE-7M4\n", "SONY ILCE-7M4"),
        ("x\x1b[31my", "", "x [31my"),
        (None, "Only a model", "Only a model"),
        ("A" * 500, "B" * 500, "A" * 80),
        ("\0", "   ", None),
        (None, None, None),
    ],
)
def test_cameras_are_tidied(make: str | None, model: str | None, camera: str | None) -> None:
    assert jpeg_with(make=make, model=model).camera == camera


@pytest.mark.parametrize(
    ("original", "changed", "taken"),
    [
        ("2024:07:01 18:30", None, "2024-07-01T18:30:00"),
        ("2024-07-01T18:30:05+02:00", None, "2024-07-01T18:30:05"),
        ("0000:00:00 00:00:00", "2025:01:01 00:00:00", "2025-01-01T00:00:00"),
        ("    :  :     :  :  ", None, None),
        ("2024:02:30 10:00:00", None, None),
        ("0001:01:01 00:00:00", None, None),
        (None, "2025:01:01 00:00:00", "2025-01-01T00:00:00"),
        (None, None, None),
    ],
)
def test_times_are_real_ones(original: str | None, changed: str | None, taken: str | None) -> None:
    assert jpeg_with(original=original, changed=changed).taken == taken


@pytest.mark.parametrize(
    "changes",
    [
        {"latitude": None},
        {"longitude": None},
        {"latitude": (91.0, 0.0, 0.0)},
        {"longitude": (180.0, 1.0, 0.0)},
        {"latitude": (0.0, 0.0, 0.0), "longitude": (0.0, 0.0, 0.0)},
    ],
    ids=repr,
)
def test_half_a_place_or_an_impossible_one_is_none(changes: dict[str, object]) -> None:
    found = jpeg_with(**changes)
    assert (found.latitude, found.longitude) == (None, None)
    assert found.camera == WHOLE.camera


def test_denominators_of_zero_are_no_place() -> None:
    data = encoded(scene(), "JPEG", exif=exif())
    broken = data.replace(struct.pack(">II", 48, 1), struct.pack(">II", 48, 0)).replace(
        struct.pack("<II", 48, 1), struct.pack("<II", 48, 0)
    )
    assert broken != data
    assert metadata_in(broken).latitude is None


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_damaged_exif_is_never_an_exception(data: st.DataObject) -> None:
    whole = encoded(scene(16, 16), "JPEG", exif=exif())
    end = whole.index(b"\xff\xdb")
    damaged = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 6))):
        damaged[data.draw(st.integers(2, end))] = data.draw(st.integers(0, 255))
    found = metadata_in(bytes(damaged))
    assert found.camera is None or (len(found.camera) <= 80 and found.camera.isprintable())
    assert found.latitude is None or -90 <= found.latitude <= 90


def test_what_is_no_picture_says_nothing() -> None:
    for data in (b"", b"text", os.urandom(100), _PNG[:30]):
        assert metadata_in(data) == Metadata()


def test_the_catalogue_has_it_for_photos_and_their_copies(job: Job, tmp_path: Path) -> None:
    """By way of the decoder processes, as in any run."""
    root = tmp_path / "photos"
    root.mkdir()
    for name in ("a.jpg", "b.jpg"):
        (root / name).write_bytes(encoded(scene(), "JPEG", exif=exif()))
    (root / "plain.png").write_bytes(_PNG)
    job(root)
    with Catalogue(job.index / "catalogue.sqlite") as catalogue:
        found = {entry.relative: _metadata(entry) for entry in catalogue.entries(job.encoder.fingerprint)}
    assert found == {"a.jpg": WHOLE, "b.jpg": WHOLE, "plain.png": Metadata()}


def _metadata(entry: Entry) -> Metadata:
    return Metadata(entry.taken, entry.camera, entry.latitude, entry.longitude)
