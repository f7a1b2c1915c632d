"""The camera's settings for a photo, from its EXIF, written as photographers do. Absurd values are ignored."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from PIL import ExifTags, Image

from indexer.decoding.metadata import Metadata, from_header, ifd_of, read_metadata, tag_of, text_of
from model.pictures.images import exif_of

_LONGEST = 80
_MOST = 1e6
# Longer exposures are written in seconds, not as fractions.
_FRACTION = 0.3


@dataclass(frozen=True)
class CameraSettings:
    """Such as 1/250 s, f/2.8, 400, and 35 mm."""

    lens: str | None = None
    exposure: str | None = None
    aperture: str | None = None
    iso: int | None = None
    focal: str | None = None


def described_in(data: bytes) -> tuple[Metadata, CameraSettings]:
    """Read everything that is shown of a photo from the header of its file; no pixels are decoded."""
    found = from_header(data, lambda image: (read_metadata(image), read_settings(image)))
    return found or (Metadata(), CameraSettings())


def read_settings(image: Image.Image) -> CameraSettings:
    """Read the settings of an opened picture."""
    try:
        exif = exif_of(image)
    except Exception:
        # Broken EXIF can make parsers raise almost anything.
        return CameraSettings()
    details = ifd_of(exif, ExifTags.IFD.Exif)
    seconds = _number(details, ExifTags.Base.ExposureTime)
    stop = _number(details, ExifTags.Base.FNumber)
    iso = _number(details, ExifTags.Base.ISOSpeedRatings)
    focal = _number(details, ExifTags.Base.FocalLength)
    return CameraSettings(
        lens=text_of(tag_of(details, ExifTags.Base.LensModel))[:_LONGEST].strip() or None,
        exposure=None if seconds is None else f"{_exposure(seconds)} s",
        aperture=None if stop is None else f"f/{stop:.3g}",
        iso=None if iso is None or iso < 1 else round(iso),
        focal=None if focal is None else f"{focal:.4g} mm",
    )


def _exposure(seconds: float) -> str:
    return f"{seconds:.3g}" if seconds > _FRACTION else f"1/{1 / seconds:.0f}"


def _number(tags: Mapping[int, Any], tag: int) -> float | None:
    """A positive number that a camera could mean; some write several, of which the first counts."""
    value = tag_of(tags, tag)
    try:
        number = float(value[0] if isinstance(value, tuple) else value)
    except (TypeError, ValueError, ArithmeticError, IndexError):
        return None
    return number if math.isfinite(number) and 1 / _MOST <= number <= _MOST else None
