"""Networks as OpenVINO compiled them, kept for the next start: reading one back takes a quarter of compiling it.

What is kept is a copy: it may be deleted at any time, and what cannot be read or written is compiled as if there were
none. The name of a file is the hash of all that it was made from: the network's files, OpenVINO, the processor, and
the options. A file begins with the hash of the rest, because OpenVINO notices hardly any damage.
"""

import hashlib
import io
import json
import os
import stat
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from model.engines.runtime import openvino

_DIGEST = hashlib.sha256().digest_size
# Two networks of a model; more, for other models and for the next version of OpenVINO.
_KEPT = 8


def compiled(
    core: openvino.Core, path: Path, made_of: Mapping[str, str], options: dict[str, Any], cache: Path | None
) -> Any:
    """Compile a network for the CPU, or read it back; `made_of` are the hashes of its files, already checked."""
    if cache is None:
        return core.compile_model(str(path), "CPU", options)
    kept = cache / f"{_key(core, made_of, options)}.compiled"
    # RuntimeError: OpenVINO cannot read what an intact file holds.
    with suppress(OSError, RuntimeError):
        if (data := _read(kept)) is not None:
            found = core.import_model(io.BytesIO(data), "CPU", options)
            os.utime(kept)
            return found
    found = core.compile_model(str(path), "CPU", options)
    with suppress(OSError, RuntimeError):
        _write(kept, found.export_model().getvalue())
    return found


def _key(core: openvino.Core, made_of: Mapping[str, str], options: Mapping[str, Any]) -> str:
    processor = [core.get_property("CPU", name) for name in ("FULL_DEVICE_NAME", "OPTIMIZATION_CAPABILITIES")]
    parts = (dict(made_of), openvino.get_version(), processor, dict(options))
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]


def _read(path: Path) -> bytes | None:
    """What was written; None if nothing was, or something else is there now."""
    # Opening a pipe would wait for somebody who writes to it.
    with open(
        path, "rb", opener=lambda name, flags: os.open(name, flags | getattr(os, "O_NONBLOCK", 0))
    ) as file:
        # Whoever can write here decides what every search finds.
        about = os.fstat(file.fileno())
        if about.st_uid != os.geteuid() or not stat.S_ISREG(about.st_mode):
            return None
        digest, data = file.read(_DIGEST), file.read()
    return data if hashlib.sha256(data).digest() == digest else None


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_bytes(hashlib.sha256(data).digest() + data)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    used = sorted(path.parent.glob("*.compiled"), key=lambda file: file.stat().st_mtime, reverse=True)
    # What processes left that were killed while they wrote; it takes none an hour.
    left = (
        file for file in path.parent.glob("*.compiled.*.tmp") if time.time() - file.stat().st_mtime > 3600
    )
    for old in (*used[_KEPT:], *left):
        old.unlink(missing_ok=True)
