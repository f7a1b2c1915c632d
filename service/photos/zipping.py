"""Several photos as one zip file, made while it is sent: memory stays the same, however many there are.

Photos are stored as they are, since they are compressed already. Those that cannot be read are named in MISSING.txt.
"""

import io
import time
import zipfile
from collections import Counter
from collections.abc import Generator, Sequence
from pathlib import PurePosixPath
from unicodedata import normalize

from indexer import Photo
from service.photos.files import Original, open_original
from service.problems import ServiceError

MISSING = "MISSING.txt"
_CHUNK = 2**18
# Beyond this, sizes need the larger fields of zip64, which is known only before a file is written.
_LARGE = 2**31 - 1
_EARLIEST, _LATEST = (1980, 1, 1, 0, 0, 0), (2107, 12, 31, 23, 59, 58)


def zipped(photos: Sequence[Photo], unknown: Sequence[str] = ()) -> Generator[bytes, None, None]:
    """The bytes of the zip file, in pieces; `unknown` are ids that belong to no photo."""
    sink = _Sink()
    missing = [f"{name}: no photo has this id" for name in unknown]
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as archive:
        for photo, name in zip(photos, names(photos), strict=True):
            try:
                original = open_original(photo)
            except ServiceError as error:
                missing.append(f"{name}: {error}")
                continue
            with original.file:
                complete = yield from _member(archive, sink, original, name)
            if not complete:
                missing.append(f"{name}: it could not be read to its end, so it is incomplete here")
        if missing:
            archive.writestr(MISSING, "".join(f"{line}\n" for line in missing))
    yield sink.taken()


def names(photos: Sequence[Photo]) -> list[str]:
    """A name for each photo: its own or, where several share one, its path; never the same twice on any system."""
    files = [PurePosixPath(photo.relative).name for photo in photos]
    shared = Counter(map(_key, files))
    taken = {_key(MISSING)}
    found = []
    for photo, file in zip(photos, files, strict=True):
        wanted = _safe(file if shared[_key(file)] == 1 else photo.relative)
        name, number = wanted, 1
        while _key(name) in taken:
            number += 1
            path = PurePosixPath(wanted)
            name = str(path.with_name(f"{path.stem} ({number}){path.suffix}"))
        taken.add(_key(name))
        found.append(name)
    return found


def _member(
    archive: zipfile.ZipFile, sink: "_Sink", original: Original, name: str
) -> Generator[bytes, None, bool]:
    """Add one photo; returns whether it was complete."""
    size = left = original.found.st_size
    entry = zipfile.ZipInfo(name, _time(original.found.st_mtime))
    entry.external_attr = 0o644 << 16
    with archive.open(entry, "w", force_zip64=size > _LARGE) as member:
        while left:
            try:
                data = original.file.read(min(_CHUNK, left))
            except OSError:
                break
            if not data:
                break
            left -= len(data)
            member.write(data)
            yield sink.taken()
    return not left


class _Sink(io.RawIOBase):
    """What the archive writes, until it is taken; it cannot seek, so sizes and checksums follow the data."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: object, /) -> int:
        part = bytes(data)  # type: ignore[call-overload]
        self._parts.append(part)
        return len(part)

    def taken(self) -> bytes:
        parts, self._parts = self._parts, []
        return b"".join(parts)


def _key(name: str) -> str:
    return normalize("NFC", name).casefold()


def _safe(name: str) -> str:
    """A name that every system unpacks into the folder where it should: Windows separates folders by backslashes."""
    printable = name.encode("utf-8", "backslashreplace").decode()
    return "".join("_" if letter in '\\:*?"<>|' or letter < " " else letter for letter in printable)


def _time(seconds: float) -> tuple[int, int, int, int, int, int]:
    try:
        return min(max(_EARLIEST, time.localtime(seconds)[:6]), _LATEST)
    except (ValueError, OverflowError, OSError):
        return _EARLIEST
