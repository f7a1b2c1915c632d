"""EXIF as cameras write it, whole or changed."""

from datetime import datetime
from pathlib import Path

from PIL import ExifTags, Image

from indexer.decoding.metadata import Metadata

WHOLE = Metadata("2024-07-01T18:30:05", "Canon EOS R5", 48.208333, -16.373056)


def exif(**changes: object) -> Image.Exif:
    said: dict[str, object] = {
        "make": "Canon",
        "model": "Canon EOS R5",
        "original": "2024:07:01 18:30:05",
        "changed": "2025:01:01 00:00:00",
        "latitude": (48.0, 12.0, 30.0),
        "north": "N",
        "longitude": (16.0, 22.0, 23.0),
        "east": "W",
        **changes,
    }
    made = Image.Exif()
    for tag, key in (
        (ExifTags.Base.Make, "make"),
        (ExifTags.Base.Model, "model"),
        (ExifTags.Base.DateTime, "changed"),
    ):
        if said[key] is not None:
            made[tag] = said[key]
    if said["original"] is not None:
        made.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = said["original"]
    place = made.get_ifd(ExifTags.IFD.GPSInfo)
    for where, key in (
        (ExifTags.GPS.GPSLatitudeRef, "north"),
        (ExifTags.GPS.GPSLatitude, "latitude"),
        (ExifTags.GPS.GPSLongitudeRef, "east"),
        (ExifTags.GPS.GPSLongitude, "longitude"),
    ):
        if said[key] is not None:
            place[where] = said[key]
    return made


def taken_photo(image: Image.Image, path: Path, moment: datetime, camera: str) -> None:
    exif = Image.Exif()
    exif[0x0110] = camera
    exif.get_ifd(0x8769)[0x9003] = moment.strftime("%Y:%m:%d %H:%M:%S")
    image.save(path, quality=90, exif=exif)
