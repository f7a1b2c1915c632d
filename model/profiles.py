"""Colours by the profile that a picture carries."""

import functools
import io

from PIL import Image, ImageCms

_LARGEST_PROFILE = 4 * 2**20


def by_profile(image: Image.Image, profile: bytes) -> Image.Image | None:
    """Colours by the embedded profile; None where it is sRGB already, broken, or made for another mode."""
    if not 0 < len(profile) <= _LARGEST_PROFILE:
        return None
    source = image.convert("RGB") if image.mode == "RGBA" else image
    try:
        transform = _transform(profile, source.mode)
        return None if transform is None else transform.apply(source)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None


@functools.lru_cache(maxsize=8)
def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    opened = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    if mode == "RGB" and "srgb" in (opened.profile.profile_description or "").lower():
        return None
    srgb = ImageCms.createProfile("sRGB")
    return ImageCms.buildTransform(opened, srgb, mode, "RGB")
