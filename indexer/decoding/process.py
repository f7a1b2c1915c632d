"""A decoder process: `python -m indexer.decoding.process FD JSON`. It reads a photo, describes it, and decodes it on
request, so that whatever a hostile or broken file does to a decoder affects only that file.

It answers in JSON, and with pixels as raw bytes: nothing it sends is ever executed. It knows neither the model nor the
index, and dies with the process that started it.
"""

import contextlib
import ctypes
import dataclasses
import errno
import hashlib
import json
import os
import re
import resource
import signal
import sys
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path, PurePosixPath
from typing import Any

from indexer.decoding.metadata import metadata_in
from indexer.decoding.thumbnails import make_thumbnail, stored_bytes, write_thumbnail
from indexer.disk import open_below
from model import PHOTO_CAPS, BadImage, Unreadable, decode
from model.pictures import raw
from model.pictures.claims import claimed_pixels
from model.pictures.preprocess import photo_pixels, shortest_for
from model.pictures.preprocessing import Preprocessing

# Memory that decoding may take: about twenty bytes per pixel for a progressive JPEG or a PNG with a profile, plus what
# codecs need at any size. This stops a file that claims few pixels and contains many.
BYTES_PER_PIXEL = 24
BYTES_FIXED = 96 * 2**20
_TOO_MUCH = "decoding it takes more memory than its size explains; export it again"
_REPLACED = "a link or another file took its place; the next run tries again"
_ON_PARENTS_DEATH = 1


def main() -> None:
    pipe = Connection(int(sys.argv[1]))
    options = json.loads(sys.argv[2])
    how = Preprocessing.parse(options["preprocessing"])
    _follow_parent(options["parent"])
    pipe.send_bytes(b"{}")
    with contextlib.suppress(EOFError, OSError):
        while True:
            _serve(pipe, options["size"], how, Path(options["thumbnails"]))


def _follow_parent(parent: int) -> None:
    """Leave Ctrl-C to the parent, end with it, and be the first to go if memory runs out."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_ON_PARENTS_DEATH, signal.SIGKILL)
        if os.getppid() != parent:
            sys.exit(1)
        with contextlib.suppress(OSError):
            Path("/proc/self/oom_score_adj").write_text("1000")
    # Codecs print messages about damaged files; BadImage says it better.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


def _serve(pipe: Connection, size: int, how: Preprocessing, thumbnails: Path) -> None:
    location = json.loads(pipe.recv_bytes())
    try:
        data, described = _read(Path(location["root"]), location["relative"])
    except BadImage as error:
        _refuse(pipe, error)
        return
    pipe.send_bytes(json.dumps(described).encode())
    request = pipe.recv_bytes()
    if request == b"describe":
        _send(pipe, **dataclasses.asdict(metadata_in(data)))
    if request != b"decode":
        return
    try:
        with _memory(described["pixels"]):
            decoded = decode(data, caps=PHOTO_CAPS, shortest=shortest_for(size, how))
            metadata = metadata_in(data)
            thumbnail = make_thumbnail(decoded.image)
            pixels = photo_pixels(decoded.image, size, how)
        write_thumbnail(thumbnails, described["content"], thumbnail)
    except (Unreadable, MemoryError):
        _refuse(pipe, Unreadable(_TOO_MUCH))
    except BadImage as error:
        _refuse(pipe, error)
    except OSError as error:
        _send(pipe, oserror=[error.errno, error.strerror, error.filename])
    else:
        _send(
            pipe,
            size=[decoded.width, decoded.height],
            metadata=dataclasses.asdict(metadata),
            thumbnail=stored_bytes(thumbnail),
        )
        pipe.send_bytes(pixels.tobytes())


def _read(root: Path, relative: str) -> tuple[bytes, dict[str, Any]]:
    """Return the bytes, and their hash, claimed pixels, and the file's size and times when it was read."""
    if PurePosixPath(relative).suffix.lower() in raw.SUFFIXES and not raw.installed():
        # Before reading: raw files are large and many, and every run gets here again.
        raise Unreadable(raw.NEEDED)
    try:
        with open_below(root, relative) as opened:
            now = os.fstat(opened.fileno())
            if now.st_size > PHOTO_CAPS.max_bytes:
                limit = PHOTO_CAPS.max_bytes >> 20
                raise BadImage(f"{now.st_size >> 20} MiB large; the limit is {limit}")
            data = opened.read()
    except OSError as error:
        replaced = error.errno in (errno.ELOOP, errno.ENOTDIR, errno.ENXIO)
        raise Unreadable(_REPLACED if replaced else f"cannot be read ({error.strerror})") from None
    if len(data) != now.st_size:
        raise Unreadable("it changed while it was being read; the next run tries again")
    content = hashlib.blake2b(data, digest_size=16).hexdigest()
    pixels = min(claimed_pixels(data), PHOTO_CAPS.max_pixels)
    return data, {
        "content": content,
        "bytes": now.st_size,
        "mtime_ns": now.st_mtime_ns,
        "ctime_ns": now.st_ctime_ns,
        "pixels": pixels,
    }


def _refuse(pipe: Connection, error: BadImage) -> None:
    _send(pipe, refused=str(error), later=isinstance(error, Unreadable))


def _send(pipe: Connection, **message: object) -> None:
    pipe.send_bytes(json.dumps(message).encode())


@contextlib.contextmanager
def _memory(pixels: int) -> Iterator[None]:
    """Limit further allocation to what a picture of this many pixels can need."""
    allowed = _allocated() + BYTES_FIXED + BYTES_PER_PIXEL * pixels
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (allowed if hard < 0 else min(allowed, hard), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (hard, hard))


def _allocated() -> int:
    try:
        found = re.search(r"VmData:\s+(\d+) kB", Path("/proc/self/status").read_text())
    except OSError:
        return 2**32
    return int(found[1]) << 10 if found else 2**32


if __name__ == "__main__":
    main()
