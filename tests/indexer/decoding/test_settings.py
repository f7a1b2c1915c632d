"""The camera's settings, as photographers write them, and nothing for what is absurd."""

from typing import Any

import pytest
from PIL import ExifTags
from PIL.TiffImagePlugin import IFDRational

from indexer.decoding.metadata import Metadata
from indexer.decoding.settings import CameraSettings, described_in
from tests.kit.exif import WHOLE, exif
from tests.kit.pictures import encoded, scene

TAGS = {
    "lens": ExifTags.Base.LensModel,
    "exposure": ExifTags.Base.ExposureTime,
    "aperture": ExifTags.Base.FNumber,
    "iso": ExifTags.Base.ISOSpeedRatings,
    "focal": ExifTags.Base.FocalLength,
}


def photo(**values: Any) -> bytes:
    made = exif()
    for name, value in values.items():
        made.get_ifd(ExifTags.IFD.Exif)[TAGS[name]] = value
    return encoded(scene(), "JPEG", exif=made)


def test_all_settings() -> None:
    data = photo(
        lens="RF24-105mm F4 L IS USM",
        exposure=IFDRational(1, 250),
        aperture=IFDRational(28, 10),
        iso=400,
        focal=IFDRational(35, 1),
    )
    settings = CameraSettings("RF24-105mm F4 L IS USM", "1/250 s", "f/2.8", 400, "35 mm")
    assert described_in(data) == (WHOLE, settings)


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("exposure", IFDRational(1, 3), "0.333 s"),
        ("exposure", IFDRational(1, 4), "1/4 s"),
        ("exposure", IFDRational(30, 1), "30 s"),
        ("exposure", IFDRational(1, 0), None),
        ("exposure", IFDRational(0, 1), None),
        ("aperture", IFDRational(4, 1), "f/4"),
        ("iso", (800, 800), 800),
        ("iso", 0, None),
        ("focal", IFDRational(425, 100), "4.25 mm"),
        ("focal", IFDRational(1200, 1), "1200 mm"),
        ("lens", "  ", None),
        ("lens", "x" * 500, "x" * 80),
    ],
)
def test_one_setting(name: str, value: Any, shown: object) -> None:
    assert getattr(described_in(photo(**{name: value}))[1], name) == shown


@pytest.mark.parametrize("data", [b"", b"\xff\xd8\xff", b"Exif" * 99, encoded(scene(), "PNG")])
def test_what_says_nothing(data: bytes) -> None:
    assert described_in(data) == (Metadata(), CameraSettings())
