"""Camera raw files: recognised by their bytes, and decoded by the JPEG preview that the camera embedded.

Developing the raw data itself is slow and a matter of taste; the preview is how the camera saw it.
"""

import importlib.util
import io
import struct

from PIL import Image

from model.errors import BadImage, Unreadable

SUFFIXES = frozenset({".nef", ".cr2", ".cr3", ".arw", ".dng", ".raf", ".orf", ".rw2"})
NEEDED = "a camera raw file; to read it: pip install 'sketchseek[raw]'"

_MAGIC = (b"FUJIFILMCCD-RAW", b"IIRO", b"IIRS", b"MMOR", b"IIU\0")
_SUBFILE, _MAKE, _FOLDERS, _DNG = 254, 271, 330, 50706


def is_raw(data: bytes) -> bool:
    """Whether it is NEF, CR2, CR3, ARW, DNG, RAF, ORF or RW2."""
    if data.startswith(_MAGIC) or data[8:12] == b"CR\x02\x00" or data[4:12] == b"ftypcrx ":
        return True
    return _is_raw_tiff(data)


def installed() -> bool:
    return importlib.util.find_spec("rawpy") is not None


def preview(data: bytes) -> bytes:
    """Extract the preview as a JPEG; raises BadImage if there is none, or if rawpy is not installed."""
    if not installed():
        raise Unreadable(NEEDED)
    import rawpy

    try:
        with rawpy.imread(io.BytesIO(data)) as raw:
            found = raw.extract_thumb()
    except rawpy.LibRawNoThumbnailError:
        raise BadImage("the raw file has no preview; export it as JPEG") from None
    except (rawpy.LibRawError, OSError, ValueError) as error:
        raise BadImage(f"the raw file is damaged, or from a camera that is too new ({error})") from error
    if found.format == rawpy.ThumbFormat.JPEG:
        return bytes(found.data)
    buffer = io.BytesIO()
    Image.fromarray(found.data).save(buffer, "JPEG", quality=95)
    return buffer.getvalue()


def _is_raw_tiff(data: bytes) -> bool:
    """NEF, ARW and DNG are TIFFs that declare their first picture a preview; ordinary TIFFs do not."""
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(data[:4])
    if order is None:
        return False
    try:
        (start,) = struct.unpack_from(f"{order}I", data, 4)
        (count,) = struct.unpack_from(f"{order}H", data, start)
        tags = {}
        for entry in range(count):
            tag, kind = struct.unpack_from(f"{order}HH", data, start + 2 + 12 * entry)
            layout = "H" if kind == 3 else "I"
            (tags[tag],) = struct.unpack_from(f"{order}{layout}", data, start + 10 + 12 * entry)
    except struct.error:
        return False
    return _DNG in tags or (tags.get(_SUBFILE) == 1 and _MAKE in tags and _FOLDERS in tags)
