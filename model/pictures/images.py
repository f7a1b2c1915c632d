"""Decode bytes or a path to pixels: the only place that decodes pictures.

`decode` trusts nothing: it sniffs the format and checks the size before it makes any pixels, and whatever a
hostile or broken file provokes becomes a BadImage of one line. The line never names the file: callers do.
The result is upright sRGB without metadata.
"""

from __future__ import annotations

import functools
import io
import stat
import warnings
from dataclasses import dataclass
from pathlib import Path

# Listed here so that Image.open tries only these eight formats and never loads the exotic ones.
from PIL import (
    AvifImagePlugin,  # noqa: F401
    BmpImagePlugin,  # noqa: F401
    ExifTags,
    GifImagePlugin,  # noqa: F401
    Image,
    JpegImagePlugin,  # noqa: F401
    PngImagePlugin,  # noqa: F401
    TiffImagePlugin,
    UnidentifiedImageError,
    WebPImagePlugin,  # noqa: F401
    _avif,
)

from model.errors import BadImage, Unreadable
from model.pictures.formats import FORMATS
from model.pictures.layout import MOST_EXIF_BYTES, excess
from model.pictures.pixels import eight_bit, shrunk
from model.pictures.profiles import by_profile
from model.pictures.raw import is_raw, preview
from model.pictures.sniff import (
    declared_size,
    has_more_scans,
    picture_format,
    what_it_is_instead,
)

# Increase it when `decode` supports more: files that it refused are then tried again.
DECODER_VERSION = 1
# The limit of JPEG. Pictures that are longer, but narrow, would need ten times the memory of their pixels.
_LONGEST_SIDE = 65_535
_NO_MEMORY = "there is not enough memory to decode it right now"
_MOST_SAMPLES = 16
# Encoders write ten scans, or fourteen for four colours. A few bytes add another, and each costs as much as the whole
# picture: 25 of 25 megapixels half a second.
_MOST_SCANS = 25


@dataclass(frozen=True)
class Caps:
    """Limits on what a caller is willing to decode."""

    max_bytes: int
    max_pixels: int
    formats: frozenset[str]
    # Raw files are decoded by their preview: for your own photos, not for those of strangers.
    raw: bool = False


PHOTO_CAPS = Caps(max_bytes=256 * 2**20, max_pixels=200_000_000, formats=FORMATS, raw=True)
SKETCH_CAPS = Caps(max_bytes=20 * 2**20, max_pixels=25_000_000, formats=FORMATS)

# Our own limit is checked first. Pillow's remains as a second line of defence (it raises at twice this); its warnings
# about metadata, which we drop anyway, would only clutter the console.
Image.MAX_IMAGE_PIXELS = PHOTO_CAPS.max_pixels
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SIDEWAYS = frozenset(_TURNS[tag] for tag in (5, 6, 7, 8))


@dataclass(frozen=True)
class Decoded:
    """A decoded picture. `width`, `height`: its full size as displayed; `image` may be smaller."""

    image: Image.Image
    width: int
    height: int
    format: str


def decode(
    source: bytes | Path, *, caps: Caps = PHOTO_CAPS, shortest: int | None = None, keep_alpha: bool = False
) -> Decoded:
    """Decode to upright sRGB on white (with `keep_alpha`, to RGBA if it has transparent parts).

    With `shortest`, decode at a smaller scale that keeps the shorter side at least twice that, if the photo has it.
    """
    data = _read(source, caps) if isinstance(source, Path) else source
    _check_bytes(len(data), caps)
    if caps.raw and is_raw(data):
        data = preview(data)
    name = picture_format(data)
    if name is None:
        raise BadImage(what_it_is_instead(data))
    if name not in caps.formats:
        raise BadImage(
            f"{name} pictures are not accepted here; send one of {', '.join(sorted(caps.formats))}"
        )
    if much := excess(data, name):
        raise BadImage(much)
    if declared := declared_size(data, name):
        _check_pixels(*declared, caps)
    if name == "JPEG" and has_more_scans(data, _MOST_SCANS):
        raise BadImage(f"the JPEG has more than {_MOST_SCANS} scans; save it again as an ordinary JPEG")
    image, (width, height) = _load(data, name, caps, shortest)
    try:
        turn, profile = _turn(image, name), image.info.get("icc_profile")
        # Reuse one name: the memory of each step is freed before the next one needs memory.
        image = shrunk(eight_bit(image), shortest)
        image = _to_srgb(image, profile, keep_alpha)
        upright = image if turn is None else image.transpose(turn)
    except MemoryError as error:
        raise Unreadable(_NO_MEMORY) from error
    except Exception as error:
        raise BadImage(f"the {name} has unusable pixels or colours ({_reason(error)})") from error
    if turn in _SIDEWAYS:
        width, height = height, width
    # A plain copy of the pixels: the decoder's object keeps metadata, and possibly the file.
    upright.info = {}
    return Decoded(upright, width, height, name)


def _read(path: Path, caps: Caps) -> bytes:
    try:
        found = path.stat()
        if stat.S_ISDIR(found.st_mode):
            raise BadImage("not a picture: it is a folder")
        if not stat.S_ISREG(found.st_mode):
            raise BadImage("not a picture: it is not a regular file")
        _check_bytes(found.st_size, caps)
        with path.open("rb") as file:
            # Reading one byte more than allowed reveals a file that grew since stat.
            return file.read(caps.max_bytes + 1)
    except FileNotFoundError as error:
        raise Unreadable("there is no such file") from error
    except PermissionError as error:
        raise Unreadable("no permission to read it") from error
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "its name is not valid"
        raise Unreadable(f"it cannot be read: {why}") from error


def _check_bytes(count: int, caps: Caps) -> None:
    if count > caps.max_bytes:
        raise BadImage(f"the file has {count / 2**20:.1f} MiB; the limit is {caps.max_bytes / 2**20:g} MiB")


def _check_pixels(width: int, height: int, caps: Caps) -> None:
    if max(width, height) > _LONGEST_SIDE:
        raise BadImage(
            f"{width} x {height}: a side may have at most {_LONGEST_SIDE} pixels; cut it into pieces"
        )
    if width * height > caps.max_pixels:
        megapixels = width * height / 1e6
        limit = caps.max_pixels / 1e6
        raise BadImage(f"{width} x {height} is {megapixels:.4g} megapixels; the limit is {limit:g}")


def _check_tiles(image: TiffImagePlugin.TiffImageFile, caps: Caps) -> None:
    """A TIFF is decoded tile by tile, and a tile may be far larger than the picture."""
    tags = image.tag_v2
    width, height = (tags.get(tag, 0) for tag in (ExifTags.Base.TileWidth, ExifTags.Base.TileLength))
    for side in (width, height, tags.get(ExifTags.Base.SamplesPerPixel, 1)):
        if not isinstance(side, int):
            raise BadImage("the TIFF is damaged: its tiles have no size")
    _check_pixels(width, height, caps)
    if tags.get(ExifTags.Base.SamplesPerPixel, 1) > _MOST_SAMPLES:
        raise BadImage("the TIFF has more channels than any picture; export it again as RGB")


def _load(data: bytes, name: str, caps: Caps, shortest: int | None) -> tuple[Image.Image, tuple[int, int]]:
    """Load the picture, scaled if requested; return it and its full size, neither of them rotated yet."""
    image: Image.Image | None = None
    try:
        image = opened(data, name)
        _check_pixels(*image.size, caps)
        full = image.size
        if isinstance(image, TiffImagePlugin.TiffImageFile):
            _check_tiles(image, caps)
        if shortest is not None and name == "JPEG":
            # A square box: the rule is about the shorter side, so the orientation does not matter.
            image.draft(image.mode, (2 * shortest, 2 * shortest))
        image.load()
    except BadImage:
        raise
    except MemoryError as error:
        raise Unreadable(_NO_MEMORY) from error
    except Exception as error:
        # On damaged bytes, decoders raise nearly every exception type there is; all of them mean the same here.
        raise BadImage(_damage(data, name, caps, image, error)) from error
    if name != "JPEG":
        # Pillow rotates a TIFF while loading it, and HEIF may correct the size in its header.
        full = image.size
        _check_pixels(*full, caps)
    return image, full


def opened(data: bytes, name: str) -> Image.Image:
    """Open a file and read its header; `excess` must have found nothing in it."""
    if name == "HEIF":
        _register_heif()
    # Pillow reads the EXIF of an AVIF when it opens it.
    if name == "AVIF" and len(data) > MOST_EXIF_BYTES:
        *_, exif, _, _ = _avif.AvifDecoder(data, "auto", 1).get_info()
        if len(exif or b"") > MOST_EXIF_BYTES:
            raise BadImage("the AVIF has far more EXIF than cameras write; export it again")
    return Image.open(io.BytesIO(data), formats=(name,))


@functools.cache
def _register_heif() -> None:
    # Imported on the first HEIC, so that its codecs are loaded only if needed.
    import pillow_heif

    pillow_heif.register_heif_opener(thumbnails=False, depth_images=False, aux_images=False)


def _damage(data: bytes, name: str, caps: Caps, image: Image.Image | None, error: Exception) -> str:
    if isinstance(error, (Image.DecompressionBombError, Image.DecompressionBombWarning)):
        return f"the {name} claims far too many pixels; the limit is {caps.max_pixels / 1e6:g} megapixels"
    if image is None:
        return f"the {name} is damaged: its header cannot be read ({_reason(error)})"
    if "truncated" in str(error) or "incomplete" in str(error):
        return f"the {name} is cut off{_how_far(image)}: the file is incomplete, copy it again"
    return f"the {name} is damaged and cannot be decoded ({_reason(error)})"


def _how_far(image: Image.Image) -> str:
    # Decoders fill a black picture from the top, so the lowest row that is not black shows how far they got.
    try:
        box = image.im.getbbox()
    except (AttributeError, ValueError):
        box = None
    return f" after about {100 * box[3] // image.height} % of the picture" if box else " before its end"


def _reason(error: Exception) -> str:
    text = " ".join(str(error).split())
    # Pillow's message includes the repr of the object that it was reading.
    if isinstance(error, UnidentifiedImageError) or "<" in text or not text:
        return "not a valid file of its kind"
    return text[:120]


def _to_srgb(image: Image.Image, profile: object, keep_alpha: bool) -> Image.Image:
    alpha = image.getchannel("A") if image.mode == "RGBA" else None
    colours = by_profile(image, profile) if isinstance(profile, bytes) else None
    plain = colours if colours is not None else image.convert("RGB")
    if alpha is None or alpha.getextrema()[0] == 255:
        return plain
    if keep_alpha:
        plain.putalpha(alpha)
        return plain
    paper = Image.new("RGB", plain.size, "white")
    paper.paste(plain, mask=alpha)
    return paper


def exif_of(image: Image.Image) -> Image.Exif:
    """The EXIF of an opened picture; empty if it is so long that reading one entry could take seconds."""
    if len(image.info.get("exif", b"")) > MOST_EXIF_BYTES:
        return Image.Exif()
    # For a PNG this would decode all of it, to reach what comes after the pixels.
    return Image.Image.getexif(image) if image.format == "PNG" else image.getexif()


def _turn(image: Image.Image, name: str) -> Image.Transpose | None:
    # libheif has already rotated a HEIC as its own boxes say; the EXIF tag only repeats that.
    if name == "HEIF":
        return None
    try:
        return _TURNS.get(exif_of(image).get(ExifTags.Base.Orientation, 1))
    except Exception:
        # Broken EXIF is no reason to refuse a good picture.
        return None
