"""A served library whose photos say when and how they were taken, with copies, and a file without a date."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from PIL import ExifTags
from PIL.TiffImagePlugin import IFDRational

from model import SKETCH_CAPS, Encoder
from service.search.gallery import Gallery
from tests.kit.exif import exif, taken_photo
from tests.kit.jobs import index_quickly
from tests.kit.service.servers import LiveServer, listening
from tests.kit.shapes import picture

# Path: when, and with what camera.
TAKEN = {
    "2024/Italy/star.jpg": ("2024-07-03T10:00:00", "Canon EOS R6"),
    "2024/Italy/fish.jpg": ("2024-07-03T10:00:00", "Canon EOS R6"),
    "2024/house.jpg": ("2024-05-01T08:00:00", "Pixel 8"),
    "2023/mug.jpg": ("2023-12-31T23:59:59", "Pixel 8"),
}
DETAILED = "2022/banana.jpg"
UNDATED = "undated.jpg"
NEWEST_FIRST = [
    "2024/Italy/fish.jpg",
    "2024/Italy/star.jpg",
    "2024/house.jpg",
    "2023/mug.jpg",
    DETAILED,
    UNDATED,
]


def write_album(photos: Path) -> None:
    for name, (moment, camera) in TAKEN.items():
        (photos / name).parent.mkdir(parents=True, exist_ok=True)
        taken_photo(picture(Path(name).stem), photos / name, datetime.fromisoformat(moment), camera)
    said = exif(original="2022:02:02 02:02:02")
    details = said.get_ifd(ExifTags.IFD.Exif)
    details[ExifTags.Base.LensModel] = "RF35mm F1.8"
    details[ExifTags.Base.ExposureTime] = IFDRational(1, 250)
    details[ExifTags.Base.FNumber] = IFDRational(28, 10)
    details[ExifTags.Base.ISOSpeedRatings] = 400
    details[ExifTags.Base.FocalLength] = IFDRational(35, 1)
    (photos / DETAILED).parent.mkdir()
    picture("banana").save(photos / DETAILED, quality=90, exif=said)
    picture("star", 7).save(photos / UNDATED)
    moment = datetime(2021, 3, 4, 5, 6, 7).timestamp()
    os.utime(photos / UNDATED, (moment, moment))


@contextmanager
def album(folder: Path, encoder: Encoder, **settings: Any) -> Iterator[LiveServer]:
    photos, index = folder / "photos", folder / "index"
    write_album(photos)
    index_quickly(index, photos, encoder)
    gallery = Gallery(index, encoder, SKETCH_CAPS)
    with listening(gallery, **settings) as url:
        yield LiveServer(url, photos, index, gallery)
    gallery.published.close()
