"""When, where, and with which camera a photo was taken, from its EXIF. Damaged or absurd values are ignored."""

import math
import re
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from PIL import ExifTags, Image

from model.pictures.images import exif_of, opened
from model.pictures.layout import excess
from model.pictures.sniff import picture_format

T = TypeVar("T")
# Increase when more is read than before: the next run then reads all photos again, without embedding them.
METADATA_VERSION = 1
_LONGEST_NAME = 80
_EARLIEST_YEAR = 1826


@dataclass(frozen=True)
class Metadata:
    """What EXIF says. `taken` is the camera's local time (YYYY-MM-DDTHH:MM:SS); degrees are north and east."""

    taken: str | None = None
    camera: str | None = None
    latitude: float | None = None
    longitude: float | None = None


def metadata_in(data: bytes) -> Metadata:
    """Read metadata from the header of a file; no pixels are decoded."""
    return from_header(data, read_metadata) or Metadata()


def from_header(data: bytes, read: Callable[[Image.Image], T]) -> T | None:
    """Read something from the header of a picture; None if it is damaged, or none."""
    name = picture_format(data)
    if name is None or excess(data, name):
        return None
    try:
        with opened(data, name) as image:
            if name == "PNG" and "exif" not in image.info:
                image.info["exif"] = _png_exif(data)
            return read(image)
    except Exception:
        # `decode` reports damaged files.
        return None


def read_metadata(image: Image.Image) -> Metadata:
    """Read the metadata of an opened picture."""
    try:
        exif = exif_of(image)
    except Exception:
        # Broken EXIF can make parsers raise almost anything; that is no reason to refuse a good picture.
        return Metadata()
    details, place = ifd_of(exif, ExifTags.IFD.Exif), ifd_of(exif, ExifTags.IFD.GPSInfo)
    latitude = _degrees(place, ExifTags.GPS.GPSLatitude, ExifTags.GPS.GPSLatitudeRef, "S", 90)
    longitude = _degrees(place, ExifTags.GPS.GPSLongitude, ExifTags.GPS.GPSLongitudeRef, "W", 180)
    # One coordinate alone is useless, and cameras without reception write zeros.
    if latitude is None or longitude is None or (latitude, longitude) == (0.0, 0.0):
        latitude = longitude = None
    taken = _time(tag_of(details, ExifTags.Base.DateTimeOriginal)) or _time(
        tag_of(exif, ExifTags.Base.DateTime)
    )
    return Metadata(taken, _camera(exif), latitude, longitude)


def _png_exif(data: bytes) -> bytes:
    """Find EXIF that was written after the pixels."""
    at = 8
    while at + 12 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        if kind == b"eXIf":
            return b"Exif\0\0" + data[at + 8 : at + 8 + length]
        at += 12 + length
    return b""


def ifd_of(exif: Image.Exif, which: ExifTags.IFD) -> Mapping[int, Any]:
    try:
        return exif.get_ifd(which)
    except Exception:
        return {}


def tag_of(tags: Mapping[int, Any], tag: int) -> Any:
    try:
        return tags.get(tag)
    except Exception:
        return None


def text_of(value: object) -> str:
    if isinstance(value, bytes):
        value = value.decode("utf-8", errors="replace")
    if not isinstance(value, str):
        return ""
    whole = value.split("\0", 1)[0]
    printable = "".join(letter if letter.isprintable() else " " for letter in whole[: 4 * _LONGEST_NAME])
    return " ".join(printable.split())


def _time(value: object) -> str | None:
    found = re.fullmatch(r"(\d{4})\D(\d\d)\D(\d\d)\D(\d\d)\D(\d\d)(?:\D(\d\d).*)?", text_of(value), re.ASCII)
    if not found:
        return None
    year, month, day, hour, minute, second = (int(part or 0) for part in found.groups())
    try:
        time = datetime(year, month, day, hour, minute, second)
    except ValueError:
        return None
    return time.isoformat(timespec="seconds") if year >= _EARLIEST_YEAR else None


def _camera(exif: Image.Exif) -> str | None:
    """Make and model, without repeating the make."""
    make, model = text_of(tag_of(exif, ExifTags.Base.Make)), text_of(tag_of(exif, ExifTags.Base.Model))
    repeated = bool(make) and model.lower().startswith(make.split()[0].lower())
    return (model if repeated else f"{make} {model}")[:_LONGEST_NAME].strip() or None


def _degrees(place: Mapping[int, Any], tag: int, side: int, negative: str, most: int) -> float | None:
    value = tag_of(place, tag)
    try:
        degrees, minutes, seconds = (float(part) for part in (*value, 0, 0)[:3])
    except (TypeError, ValueError, ArithmeticError):
        return None
    total = degrees + minutes / 60 + seconds / 3600
    if not (math.isfinite(total) and min(degrees, minutes, seconds) >= 0 and total <= most):
        return None
    return round(-total if text_of(tag_of(place, side)).upper() == negative else total, 6)
