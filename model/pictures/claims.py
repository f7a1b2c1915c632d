"""How many pixels a file claims to have, without decoding it: the basis for memory limits and scheduling."""

from model.pictures.images import opened
from model.pictures.layout import excess
from model.pictures.raw import is_raw
from model.pictures.sniff import declared_size, picture_format

# The preview of a raw file is at most as large as the sensor.
_LARGEST_SENSOR = 100_000_000
# Peak memory of decoding and its result: WebP keeps four copies of four bytes per pixel.
_BYTES_A_PIXEL = {"WEBP": 16, "AVIF": 12, "HEIF": 12}
_COMMONLY = 6


def claimed_pixels(data: bytes) -> int:
    """0 if the bytes claim nothing credible; `decode` then reports why."""
    if is_raw(data):
        return _LARGEST_SENSOR
    name = picture_format(data)
    if name is None or excess(data, name):
        return 0
    size = declared_size(data, name)
    if size is None:
        try:
            with opened(data, name) as image:
                size = image.size
        except Exception:
            # On damaged bytes, decoders raise nearly every exception type there is.
            return 0
    return max(size[0] * size[1], 0)


def claimed_bytes(data: bytes) -> int:
    """The memory that decoding needs, going by what the file claims."""
    return claimed_pixels(data) * _BYTES_A_PIXEL.get(picture_format(data) or "", _COMMONLY)
