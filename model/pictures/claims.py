"""How many pixels a file says it has, told without decoding it: what memory and turns are given out by."""

from model.pictures.images import opened
from model.pictures.layout import excess
from model.pictures.raw import is_raw
from model.pictures.sniff import declared_size, picture_format

# A raw file's preview is at most as large as the sensor.
_LARGEST_SENSOR = 100_000_000
# What decoding takes at its peak, with what is made of it: WebP keeps four pictures of four bytes.
_BYTES_A_PIXEL = {"WEBP": 16, "AVIF": 12, "HEIF": 12}
_COMMONLY = 6


def claimed_pixels(data: bytes) -> int:
    """0 where the bytes claim nothing that can be believed, which `decode` will then say of them."""
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
            # Decoders raise nearly every type there is on damaged bytes.
            return 0
    return max(size[0] * size[1], 0)


def claimed_bytes(data: bytes) -> int:
    """The memory that decoding takes, by what the file says of itself."""
    return claimed_pixels(data) * _BYTES_A_PIXEL.get(picture_format(data) or "", _COMMONLY)
