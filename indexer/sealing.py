"""Expected size and hash of files, and JSON that contains a hash of itself."""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from indexer.disk import open_plain
from indexer.errors import BrokenGeneration


@dataclass(frozen=True)
class File:
    """The expected size and hash of a published file."""

    bytes: int
    sha256: str


def sealed(fields: Mapping[str, Any]) -> bytes:
    """Return JSON whose last entry is a hash of all the others."""
    seal = hashlib.sha256(json.dumps(fields, indent=1).encode()).hexdigest()
    return json.dumps({**fields, "seal": seal}, indent=1).encode()


def describe_file(path: Path) -> File:
    try:
        with open_plain(path) as opened:
            digest = hashlib.file_digest(opened, "sha256").hexdigest()
            return File(bytes=os.fstat(opened.fileno()).st_size, sha256=digest)
    except OSError as error:
        raise BrokenGeneration(
            f"{path}: cannot be read ({error.strerror}); run sketchseek index again"
        ) from None
