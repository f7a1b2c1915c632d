"""Convert colours by a picture's embedded profile."""

import functools
import io
import struct

from PIL import Image, ImageCms

_LARGEST_PROFILE = 4 * 2**20
_HEADER, _ENTRY = 128, 12
# littleCMS reads no more tags than this.
_MOST_TAGS = 100
# Colours as a program: any number of steps of any number of pieces, run for 36,000 colours. A picture of
# 100 KB took minutes. By the standard, a profile with these tags has the common tables, too.
_PROGRAMS = (b"D2B", b"B2D")


def by_profile(image: Image.Image, profile: bytes) -> Image.Image | None:
    """Convert colours by the embedded profile; None if it is sRGB, broken, or made for another mode."""
    if not 0 < len(profile) <= _LARGEST_PROFILE:
        return None
    source = image.convert("RGB") if image.mode == "RGBA" else image
    try:
        transform = _transform(without_programs(profile), source.mode)
        return None if transform is None else transform.apply(source)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError, struct.error):
        return None


def without_programs(profile: bytes) -> bytes:
    """Rename the profile's programs, so that no reader recognises them."""
    (count,) = struct.unpack_from(">I", profile, _HEADER)
    first = _HEADER + 4
    tags = range(first, first + _ENTRY * min(count, _MOST_TAGS), _ENTRY)
    found = [at for at in tags if profile.startswith(_PROGRAMS, at)]
    if not found:
        return profile
    changed = bytearray(profile)
    for at in found:
        changed[at : at + 3] = b"x2x"
    return bytes(changed)


@functools.lru_cache(maxsize=8)
def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    opened = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    if mode == "RGB" and "srgb" in (opened.profile.profile_description or "").lower():
        return None
    srgb = ImageCms.createProfile("sRGB")
    return ImageCms.buildTransform(opened, srgb, mode, "RGB")
